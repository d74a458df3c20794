// The peer in JavaScript: node-soap serves the objects of one answer, serialised anew for each call, over mutual TLS.
// Arguments: folder with node_modules, path of the service, WSDL, answer.json, key, certificate, CA. Writes its port on standard output.
const [modules, path, wsdl, answerFile, key, cert, ca] = process.argv.slice(2);
const fs = require("fs");
const https = require("https");
const soap = require(require.resolve("soap", { paths: [modules] }));

const answer = JSON.parse(fs.readFileSync(answerFile, "utf8"));
const tls = { key: fs.readFileSync(key), cert: fs.readFileSync(cert), ca: fs.readFileSync(ca) };
const server = https.createServer({ ...tls, requestCert: true, rejectUnauthorized: true });
const service = {
  GetQualityIndicatorsResponderService: {
    GetQualityIndicatorsResponderPort: { GetQualityIndicators: () => answer },
  },
};
const report = () => process.stdout.write(`${server.address().port}\n`);
const xml = fs.readFileSync(wsdl, "utf8");
server.listen(0, "127.0.0.1", () => soap.listen(server, { path, services: service, xml, uri: wsdl, callback: report }));
