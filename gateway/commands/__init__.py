"""One module per command group of ``brygga``; `gateway.cli` loads each when it is asked for."""
