"""The producer: gate, Spyne adapter, service and the register behind them.

Serves what is published over mutual TLS as the service contracts say (design reference 3).
"""
