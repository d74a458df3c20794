<?php
// A PHP client: PHP's own streams over mutual TLS, the answer inflated by gzdecode.
// Arguments: URL, question, certificate with its key, trusted certificate, where to write the answer.
[, $url, $question, $certificate, $ca, $target] = $argv;
$context = stream_context_create([
    'ssl' => ['local_cert' => $certificate, 'cafile' => $ca],
    'http' => [
        'method' => 'POST',
        'header' => "Content-Type: text/xml; charset=utf-8\r\nAccept-Encoding: gzip\r\nConnection: close",
        'content' => file_get_contents($question),
        'protocol_version' => 1.1,
    ],
]);
$answer = file_get_contents($url, false, $context);
if ($answer === false || !in_array('content-encoding: gzip', array_map('strtolower', $http_response_header))) {
    fwrite(STDERR, print_r($http_response_header ?? [], true));
    exit(1);
}
$text = gzdecode($answer);
if ($text === false) {
    exit(1);
}
file_put_contents($target, $text);
