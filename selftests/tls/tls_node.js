// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A mail server that refuses every password, as node does TLS: its own OpenSSL
// built in, through memory, shaking hands by SSL_read() alone.
const fs = require("fs");
const tls = require("tls");

const options = {
	cert: fs.readFileSync("/run/lab/cert.pem"),
	key: fs.readFileSync("/run/lab/key.pem"),
};

tls.createServer(options, (socket) => {
	let rest = "";
	socket.on("error", () => socket.destroy());
	socket.write("220 node.example ESMTP\r\n");
	socket.on("data", (data) => {
		const lines = (rest + data).split("\r\n");
		rest = lines.pop();
		for (const line of lines) {
			if (line.startsWith("EHLO"))
				socket.write("250-node.example\r\n250 AUTH PLAIN\r\n");
			else if (line.startsWith("AUTH"))
				socket.write("535 5.7.8 Error: authentication failed\r\n");
			else
				socket.end("221 bye\r\n");
		}
	});
}).listen(465, process.argv[2]);
