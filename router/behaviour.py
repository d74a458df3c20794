"""The two modes as one frozen policy: every place where strict and compat differ has its field here.

compat imitates the platform (platform reference 1-5); strict closes what robustness reference C, D, E, F names.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.settings import RouterSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What the steps ask instead of asking for the mode. Each text: what the platform does, and why not."""

    check_whole_message: bool
    """The platform scans by local names up to the first child of Body, and takes the last address at any depth.
    Then SOAP 1.2, two Bodies, an address in a foreign namespace or broken XML after the scan reach producers,
    and two parsers may read one message in two ways. Strict reads all of it, with namespaces, and refuses
    ambiguity, DOCTYPE, processing instructions and excessive shapes (VP015)."""
    post_only: bool
    """The platform forwards any method. Strict answers 405 to all but POST, as SOAP over HTTP has no other."""
    allow_mtom: bool
    """The platform takes the XML part out of an MTOM message and loses the attachments. Strict says VP015."""
    whitelist_by_prefix: bool
    """The platform compares addresses as text beginnings: 10.0.0.1 lets 10.0.0.12 in. Strict compares networks."""
    verify_forwarded_certificate: bool
    """The platform believes any certificate in the header of the HTTP entry. Strict checks who signed it and
    its dates against the CA file when there is one, so that a mistake in the proxy is seen."""
    require_client_purpose: bool
    """The platform takes any certificate that chains, once per connection. Strict refuses CA certificates and those
    not issued for client authentication, a subject with two serialNumbers, and one that has run out since (VP002)."""
    trust_instance_id_on_https: bool
    """The platform believes x-vp-instance-id from anyone who speaks TLS when it decides on
    x-rivta-original-serviceconsumer-hsaid. Strict believes it only from the HTTP entry's whitelist."""
    refuse_original_consumer: bool
    """The platform's default is a warning when an unlisted sender names another original consumer. Strict: VP013."""
    empty_sender_list_means_all: bool
    """In the platform an empty list of senders lets everyone name any original consumer. Strict: only oneself."""
    history_on_https: bool
    """The platform keeps the routing history only on the HTTP entry, so a loop over mutual TLS runs until
    something breaks. Strict keeps it on both."""
    convert_header_only: bool
    """The platform's profile conversion also moves elements of the addressing namespace that a body holds as data,
    as an endpoint reference does. Strict leaves the body as it is."""
    exact_time_zones: bool
    """The platform compares times without zone so loosely that a row lives 14 hours longer at both ends.
    Strict reads them in the configured zone, and a last date as the whole day."""
    reload_all_or_nothing: bool
    """The platform may take new routes although the permissions could not be read. Strict takes both or none."""
    verify_hostname: bool
    """The platform does not compare the producer's certificate with the host called. Strict does (VP009)."""
    collect_answers: bool
    """The platform holds a whole answer before it sends a byte, so the consumer sees either all of it or VP009.
    Strict streams: less memory and time; a producer that breaks off in mid-answer breaks the call off too."""
    accept_short_answers: bool
    """The platform takes an answer that ends before its Content-Length as complete. Strict: a broken answer, and so
    is one that only the end of the connection ends if its envelope is still open: anyone can cut a connection."""
    oversize_is_vp009: bool
    """The platform answers with a nameless fault when a producer's answer is over the limit. Strict: VP009."""
    require_soap_answer: bool
    """The platform passes any 2xx body on as text/xml, web pages included. Strict answers VP009 instead."""
    honour_answer_charset: bool
    """The platform calls every answer UTF-8. Strict converts an answer in another charset, so that it is."""
    forgiving_headers: bool
    """The platform takes any text as correlation id. Strict takes 1-128 visible ASCII characters, else a new id."""
    reveal_internal_errors: bool
    """The platform puts an exception's own text in the fault. Strict gives the correlation id only."""
    legacy_wsdl: bool
    """The platform serves WSDL as `text/xml;UTF-8`, which is no legal parameter, and leaves xsd:include as it is,
    which then leads nowhere. Strict: charset=UTF-8, and includes lead back here as imports do."""


def behaviour_of(settings: RouterSettings) -> Behaviour:
    """Give the policy of the settings' mode, with the three switches that settings may turn by themselves."""
    strict = settings.mode == "strict"
    return Behaviour(
        check_whole_message=strict,
        post_only=strict,
        allow_mtom=_switch(settings.allow_mtom, default=not strict),
        whitelist_by_prefix=not strict,
        verify_forwarded_certificate=strict,
        require_client_purpose=strict,
        trust_instance_id_on_https=not strict,
        refuse_original_consumer=_switch(settings.refuse_original_consumer, default=strict),
        empty_sender_list_means_all=not strict,
        history_on_https=strict,
        convert_header_only=strict,
        exact_time_zones=strict,
        reload_all_or_nothing=strict,
        verify_hostname=_switch(settings.verify_hostname, default=strict),
        collect_answers=not strict,
        accept_short_answers=not strict,
        oversize_is_vp009=strict,
        require_soap_answer=strict,
        honour_answer_charset=strict,
        forgiving_headers=not strict,
        reveal_internal_errors=not strict,
        legacy_wsdl=not strict,
    )


def _switch(value: bool | None, *, default: bool) -> bool:
    return default if value is None else value
