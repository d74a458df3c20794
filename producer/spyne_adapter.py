"""Spyne as the SOAP front door: one application per contract version, dispatching verified requests.

The only module that imports spyne (design 3). Its parser, serialiser and object mapping are not used: it gets the
question as it was read from the tree that was verified, so that no second parser can read the message in another way,
and the service gives the finished bytes (``ctx.out_string``; performance reference A, B).
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from contracts.errors import GatewayFailure
from contracts.model import QualityIndicatorsRequest
from contracts.registry import ServiceContract
from contracts.soap import REGISTRY_NAMESPACE
from producer.spyne_compat import spyne_imports
from producer.wsdl import InterfaceDocuments

with spyne_imports():
    import spyne.const
    from spyne import AnyXml, Application, ComplexModel, MethodContext, ResourceNotFoundError, ServiceBase, Unicode, rpc
    from spyne.interface import InterfaceDocumentsBase
    from spyne.protocol.soap import Soap11
    from spyne.server import ServerBase

#: Spyne runs a full garbage collection every second when it closes a call, which stops every thread of a process
#: for as long as its largest structures need. Python's own collector does without.
spyne.const.MIN_GC_INTERVAL = float("inf")

A = TypeVar("A")


class _LogicalAddress(Unicode):  # type: ignore[misc]
    __namespace__ = REGISTRY_NAMESPACE
    __type_name__ = "LogicalAddress"


@dataclass
class _Call(Generic[A]):
    """What one call carries through Spyne beside the message; Spyne's context holds it as ``udc``."""

    options: dict[str, Any]
    answer: A | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A message that is no text any more: it was verified in every respect, and read.

    ``logical_address`` is ours, in the letter case of the settings; ``tag`` is the name of the request's element.
    """

    logical_address: str
    tag: str
    request: QualityIndicatorsRequest


class SpyneEndpoint(ServerBase, Generic[A]):  # type: ignore[misc]
    """Spyne's transport for one contract version: a message goes in, the operation's answer comes out.

    Safe to share between threads: Spyne keeps the state of a call in its context.
    """

    transport = "urn:indikatorbryggan:gate"

    def __init__(self, contract: ServiceContract, operation: Callable[..., A]) -> None:
        """``operation(logical_address, request, **options)`` answers a request; ``answer.body`` is iterable."""
        super().__init__(_application(contract, operation))
        self.contract = contract
        self._fresh = MethodContext(self, MethodContext.SERVER)

    def call(self, question: Question, **options: Any) -> A:
        """Hand over a question; raises what the operation raises.

        Raises GatewayFailure when Spyne itself does not take it, which is a defect here, not the caller's: the
        message has been verified before.
        """
        call: _Call[A] = _Call(options)
        initial = copy(self._fresh)  # Making one takes longer than all else that Spyne does here.
        initial.in_string = question
        context = self.generate_contexts(initial, "utf-8")[0]
        context.udc = call
        try:
            if context.in_error is None:
                self.get_in_object(context)
            if context.in_error is None:
                self.get_out_object(context)
            if call.error is not None:
                raise call.error
            failure = context.in_error or context.out_error
            if failure is not None or call.answer is None:
                raise GatewayFailure("The message could not be dispatched.", log_detail=f"spyne: {failure}")
            self.get_out_string(context)
            return call.answer
        finally:
            context.close()


def _application(contract: ServiceContract, operation: Callable[..., Any]) -> Application:
    """Build the Spyne application of a contract version.

    The models are named as the schema names them and hold nothing: the project's own WSDL describes the
    content, and the messages are read and written by the contract's codec.
    """
    namespace = contract.responder_namespace
    request = _model(namespace, f"{contract.interaction}Type")
    response = _model(namespace, f"{contract.interaction}ResponseType")
    nothing = response()

    def handle(ctx: Any, question: QualityIndicatorsRequest) -> Any:
        call = ctx.udc
        try:
            call.answer = operation(ctx.in_header, question, **call.options)
            ctx.out_string = call.answer.body
        except Exception as error:  # noqa: BLE001 (Spyne would replace it by a fault; `call` raises it again)
            call.error = error
            ctx.out_string = ()
        return nothing

    method = rpc(
        request,
        _returns=response,
        _body_style="bare",
        _in_header=(_LogicalAddress,),
        _in_message_name=contract.request_tag,
        _out_message_name=contract.response_tag,
    )(handle)
    service = type(f"{contract.interaction}Service", (ServiceBase,), {contract.interaction: method})
    return Application(
        [service],
        tns=namespace,
        name=contract.interaction,
        in_protocol=_VerifiedSoap11(),
        out_protocol=Soap11(),
        documents_container=lambda interface: _OwnDocuments(interface, contract),
    )


def _model(namespace: str, name: str) -> Any:
    # Spyne refuses a bare message without any member.
    content = {"__namespace__": namespace, "__type_name__": name, "_type_info": [("content", AnyXml)]}
    return type(name, (ComplexModel,), content)


class _VerifiedSoap11(Soap11):  # type: ignore[misc]
    """SOAP 1.1 that has been read before: the envelope is in order, the body validated and read by the codec."""

    def create_in_document(self, ctx: Any, charset: str | None = None) -> None:  # noqa: ARG002 (Spyne's signature)
        """Take the question as it is."""
        ctx.in_document = ctx.in_string

    def decompose_incoming_envelope(self, ctx: Any, message: Any = Soap11.REQUEST) -> None:  # noqa: ARG002
        """Say what Spyne dispatches on."""
        ctx.method_request_string = ctx.in_document.tag

    def generate_method_contexts(self, ctx: Any) -> list[Any]:
        """Give the one context there is; Spyne would copy it for each of several methods of one name."""
        handles = self.get_call_handles(ctx)
        if len(handles) != 1:
            raise ResourceNotFoundError(ctx.method_request_string)
        ctx.descriptor = handles[0]
        return [ctx]

    def deserialize(self, ctx: Any, message: Any) -> None:  # noqa: ARG002 (Spyne's signature)
        """Give header and argument of the operation."""
        ctx.in_header = ctx.in_document.logical_address
        ctx.in_object = ctx.in_document.request


class _OwnDocuments(InterfaceDocumentsBase):  # type: ignore[misc]
    """Has Spyne give the project's own WSDL and never generate one."""

    def __init__(self, interface: Any, contract: ServiceContract) -> None:
        super().__init__(interface, _OwnWsdl(contract))


class _OwnWsdl:
    """The two methods of Spyne's WSDL builder that its transports call."""

    def __init__(self, contract: ServiceContract) -> None:
        self._documents = InterfaceDocuments(contract)
        self._built: bytes | None = None

    def build_interface_document(self, url: str) -> None:
        self._built = self._documents.wsdl(url)

    def get_interface_document(self) -> bytes | None:
        return self._built
