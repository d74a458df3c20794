// A Node client: https over mutual TLS, the answer inflated by zlib's gunzip stream.
// Arguments: URL, question, certificate, key, trusted certificate, where to write the answer.
const [url, question, cert, key, ca, target] = process.argv.slice(2);
const fs = require("fs");
const https = require("https");
const zlib = require("zlib");

const body = fs.readFileSync(question);
const options = {
  method: "POST",
  cert: fs.readFileSync(cert),
  key: fs.readFileSync(key),
  ca: fs.readFileSync(ca),
  headers: { "Content-Type": "text/xml; charset=utf-8", "Accept-Encoding": "gzip", "Content-Length": body.length },
};
const request = https.request(url, options, (answer) => {
  if (answer.statusCode !== 200 || answer.headers["content-encoding"] !== "gzip") {
    throw new Error(`status ${answer.statusCode} ${JSON.stringify(answer.headers)}`);
  }
  answer.pipe(zlib.createGunzip()).pipe(fs.createWriteStream(target));
});
request.end(body);
