#!/usr/bin/env node
// Runs stripe-stateful-mock as it is, but on loopback only: it listens on every interface and has no option.
// Usage: --port N; --check only sees whether it can be loaded.
"use strict";

const net = require("node:net");
const [option, port] = process.argv.slice(2);
if (option === "--check") {
    require("stripe-stateful-mock/dist/index");
    process.exit(0);
}
if (option !== "--port" || !(Number(port) > 0)) {
    console.error("usage: stripe-stateful-mock --port N");
    process.exit(2);
}
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (where, ...rest) {
    return typeof where === "number" ? listen.call(this, where, "127.0.0.1", ...rest) : listen.call(this, where, ...rest);
};
process.env.PORT = port;
require("stripe-stateful-mock/dist/autostart");
