<?php
// A producer as one is easily written with PHP's SoapServer: the published WSDL, plain arrays as answers.
// usage: SUITE_WSDL=FILE php -S 127.0.0.1:PORT php_producer.php
// SUITE_STYLE: "careful" leaves out what has no value and shares nothing; "careless" sends empty strings, and uses
// constant arrays twice, which SoapServer writes as references.

ini_set("soap.wsdl_cache_enabled", "0");
const MEASURE_ROOT = "1.2.826.0.1.3680043.9.4672.7";

class Producer
{
    public function LogicalAddress($address) {}

    public function GetQualityIndicators($request)
    {
        $period = $request->reportingPeriod;
        $asked = is_array($request->measureId) ? $request->measureId : [$request->measureId];
        $found = [];
        foreach ($asked as $id) {
            if (in_array($id->extension ?? "", ["known-1", "known-2"])) {
                for ($month = 1; $month <= 12; $month++) {
                    $measurement = $this->measurement($id->extension, $month);
                    if ($measurement["measurePeriod"]["start"] >= $period->start
                        && $measurement["measurePeriod"]["end"] <= $period->end) {
                        $found[] = $measurement;
                    }
                }
            }
        }
        $starts = array_map(fn($m) => $m["measurePeriod"]["start"], $found);
        $ends = array_map(fn($m) => $m["measurePeriod"]["end"], $found);
        $report = [
            "measurementChecksum" => hash("sha256", $found ? json_encode($found) : ""),
            "reportingPeriod" => $found ? ["start" => min($starts), "end" => max($ends)]
                : ["start" => $period->start, "end" => $period->end],
            "reportingSystem" => ["hsaId" => "SE9990001112-PROD"],
            "reportingOrganization" => ["hsaId" => "SE9990001112-PHPORG", "name" => "PHP-organisationen"],
        ];
        if ($request->includeMeasurements ?? true) {
            $report["measurement"] = $found;
        }
        $answer = ["AggregatedQualityReport" => $report];
        return getenv("SUITE_STYLE") === "careless" ? $answer : json_decode(json_encode($answer));
    }

    private function measurement($extension, $month)
    {
        $first = sprintf("2024%02d01", $month);
        $measure = ["rate" => 0.75, "denominator" => 100, "numerator" => 75];
        $measurement = [
            "measureId" => ["root" => MEASURE_ROOT, "extension" => $extension],
            "measureIdVersionNumber" => 1,
            "measurePeriod" => ["start" => $first, "end" => date("Ymt", strtotime($first))],
            "proportionMeasure" => $measure,
            "performingOrganization" => [
                "organizationName" => "Riket",
                "organizationType" => "Land",
                "organizationId" => ["root" => "1.2.752.129.2.2.1.19", "extension" => "SE"],
            ],
            "sourceSystem" => [
                "systemId" => ["root" => "1.2.752.129.2.1.4.1", "extension" => "SE9990001112-PHP"],
                "name" => "PHP-registret",
            ],
        ];
        if (getenv("SUITE_STYLE") === "careless") {
            $measurement["firstServiceEncounter"] = "";
            $measurement["proportionMeasure"]["exclusions"] = null;
        }
        return $measurement;
    }
}

$server = new SoapServer(getenv("SUITE_WSDL"));
$server->setClass("Producer");
$server->handle();
