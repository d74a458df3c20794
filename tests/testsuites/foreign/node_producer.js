// A producer as one is easily written with node-soap: the published WSDL, plain objects as answers.
// usage: node node_producer.js WSDL [CERTIFICATE KEY CA]   prints the port on its first line.
// SUITE_STYLE: "careful" leaves out what has no value, "careless" answers with null.
"use strict";
const fs = require("fs");
const http = require("http");
const https = require("https");
const soap = require("soap");

const isCareless = process.env.SUITE_STYLE === "careless";
const [wsdlFile, certificate, key, ca] = process.argv.slice(2);

const MEASURE_ROOT = "1.2.826.0.1.3680043.9.4672.7";
const land = {
  organizationName: "Riket",
  organizationType: "Land",
  organizationId: { root: "1.2.752.129.2.2.1.19", extension: "SE" },
};

function month(number) {
  const text = String(number).padStart(2, "0");
  const last = new Date(Date.UTC(2024, number, 0)).getUTCDate();
  return { start: `2024${text}01`, end: `2024${text}${last}` };
}

function measurement(extension, number) {
  return {
    measureId: { root: MEASURE_ROOT, extension },
    measureIdVersionNumber: 1,
    measurePeriod: month(number),
    proportionMeasure: { rate: 0.75, denominator: 100, numerator: 75, exclusions: isCareless ? null : undefined },
    performingOrganization: land,
    sourceSystem: { systemId: { root: "1.2.752.129.2.1.4.1", extension: "SE9990001112-NODE" }, name: "Nodregistret" },
  };
}

function answer(request) {
  const asked = [].concat(request.measureId || []);
  const period = request.reportingPeriod;
  const found = [];
  for (const id of asked) {
    if (id.extension !== "known-1" && id.extension !== "known-2") continue;
    for (let number = 1; number <= 12; number += 1) {
      const { start, end } = month(number);
      if (start >= period.start && end <= period.end) found.push(measurement(id.extension, number));
    }
  }
  const starts = found.map((m) => m.measurePeriod.start).sort();
  const ends = found.map((m) => m.measurePeriod.end).sort();
  const hash = require("crypto").createHash("sha256");
  hash.update(found.length ? JSON.stringify(found) : "");
  const includes = request.includeMeasurements !== false && request.includeMeasurements !== "false";
  return {
    AggregatedQualityReport: {
      measurementChecksum: hash.digest("hex"),
      reportingPeriod: found.length ? { start: starts[0], end: ends[ends.length - 1] } : period,
      reportingSystem: { hsaId: "SE9990001112-PROD", name: isCareless ? null : "Nodsystemet" },
      reportingOrganization: { hsaId: "SE9990001112-NODEORG", name: "Nodorganisationen" },
      measurement: includes ? found : [],
    },
  };
}

const operation = (request) => answer(request);
const service = {
  GetQualityIndicatorsResponderService: {
    GetQualityIndicatorsResponderPort: { GetQualityIndicators: operation },
  },
};

const server = certificate
  ? https.createServer({
      cert: fs.readFileSync(certificate),
      key: fs.readFileSync(key),
      ca: fs.readFileSync(ca),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: "TLSv1.2",
    })
  : http.createServer();

server.on("request", (request, response) => {
  response.statusCode = 404;
  response.end();
});
server.listen(0, "127.0.0.1", () => {
  soap.listen(server, { path: "/producer", services: service, xml: fs.readFileSync(wsdlFile, "utf8"), uri: wsdlFile, callback: () => {
    console.log(server.address().port);
  } });
});
