// A server with chain.pem and www.key, and a client that trusts root.pem: prints OK, or what either of them says.
const tls = require("node:tls");
const fs = require("node:fs");

const read = (name) => fs.readFileSync(name);
const server = tls.createServer({ cert: read("chain.pem"), key: read("www.key") }, (socket) => socket.end());
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address();
  const client = tls.connect({ host: "127.0.0.1", port, servername: "www.example.com", ca: read("root.pem") });
  client.on("secureConnect", () => { console.log("OK"); client.end(); });
  client.on("error", (error) => { console.log(error.code, error.message); process.exitCode = 1; });
  client.on("close", () => server.close());
});
