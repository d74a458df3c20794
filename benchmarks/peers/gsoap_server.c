/* The peer in C: gSOAP over mutual TLS. For each call it fills the objects of the answer, as a service does that
   answers more than one question, from ones in memory (no database), and serialises them; or, when the fourth
   argument is "kept", it serialises the same objects each time, which is the most that gSOAP can do.
   Arguments: answer.xml (read at the start), key and certificate (PEM), CA (PEM). Writes its port on standard output.
   Everything it includes is generated from the project's WSDL when the benchmark runs. */

#include "soapH.h"
#include "GetQualityIndicatorsResponderBinding.nsmap"

static struct ns3__GetQualityIndicatorsResponseType answer;
static int are_objects_kept;

int __ns1__GetQualityIndicators(struct soap *soap, struct ns3__GetQualityIndicatorsType *request,
                                struct ns3__GetQualityIndicatorsResponseType *response)
{
    (void)request;
    soap->header = NULL;
    if (are_objects_kept) {
        *response = answer;
        return SOAP_OK;
    }
    return soap_dup_ns3__GetQualityIndicatorsResponseType(soap, response, &answer) ? SOAP_OK : soap->error;
}

static int load(const char *file)
{
    struct soap *soap = soap_new1(SOAP_XML_TREE);
    FILE *stream = fopen(file, "r");
    if (!stream)
        return 1;
    soap->recvfd = fileno(stream);
    if (soap_begin_recv(soap) || soap_envelope_begin_in(soap) || soap_recv_header(soap) || soap_body_begin_in(soap)
        || !soap_get_ns3__GetQualityIndicatorsResponseType(soap, &answer, NULL, NULL)) {
        soap_print_fault(soap, stderr);
        return 1;
    }
    return 0; /* The context owns the objects and stays. */
}

int main(int count, char **arguments)
{
    struct soap soap;
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    SOAP_SOCKET listener;
    if (count < 4 || load(arguments[1]))
        return 1;
    are_objects_kept = count > 4 && strcmp(arguments[4], "kept") == 0;
    soap_ssl_init();
    soap_init1(&soap, SOAP_XML_TREE | SOAP_IO_CHUNK | SOAP_IO_KEEPALIVE);
    soap.max_keep_alive = 0;
    if (soap_ssl_server_context(&soap, SOAP_SSL_REQUIRE_CLIENT_AUTHENTICATION | SOAP_TLSv1_2 | SOAP_TLSv1_3,
                                arguments[2], NULL, arguments[3], NULL, NULL, NULL, NULL)
        || (listener = soap_bind(&soap, "127.0.0.1", 0, 100)) == SOAP_INVALID_SOCKET
        || getsockname(listener, (struct sockaddr *)&address, &length)) {
        soap_print_fault(&soap, stderr);
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        if (soap_accept(&soap) == SOAP_INVALID_SOCKET)
            return 1;
        if (soap_ssl_accept(&soap) == SOAP_OK)
            soap_serve(&soap);
        soap_destroy(&soap);
        soap_end(&soap);
    }
}
