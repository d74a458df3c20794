<?php
// The peer in PHP: SoapServer serves the objects of one answer, serialised anew for each call. PHP's own server does
// no TLS, so nginx stands in front. The environment names the WSDL and the answer (PHP's serialize format is made
// from JSON at the first call).
class Service
{
    public function GetQualityIndicators($request)
    {
        return json_decode(file_get_contents(getenv('BENCHMARK_ANSWER')));
    }
}
$server = new SoapServer(getenv('BENCHMARK_WSDL'), ['cache_wsdl' => WSDL_CACHE_BOTH]);
$server->setClass('Service');
$server->handle();
