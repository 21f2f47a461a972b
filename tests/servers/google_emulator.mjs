/**
 * @emulators/google as a server, with what it lacks of the Gmail API and our connector asks for: getProfile, batches,
 * and "-in:" in searches (it knows "-label:"). Prints its port, ends with its standard input.
 */
import {createServer as createHttpServer} from "node:http";
import {createServer} from "@emulators/core";
import {getGoogleStore, googlePlugin, seedFromConfig} from "@emulators/google";

const [address] = process.argv.slice(2);
const baseUrl = "http://127.0.0.1";
const {app, store} = createServer(googlePlugin, {
    baseUrl,
    tokens: {token: {login: address, id: 1}},
});
googlePlugin.seed?.(store, baseUrl);
seedFromConfig(store, baseUrl, {users: [{email: address, name: "Anna"}]});

const USER = "/gmail/v1/users/me";

async function answer(method, target, headers, body) {
    const url = new URL(target, baseUrl);
    url.pathname = url.pathname.replace(/^\/upload/, "").replace(/^\/resumable/, "");
    const query = url.searchParams.get("q");
    if (query) {
        url.searchParams.set("q", query.replaceAll("-in:", "-label:"));
    }
    if (url.pathname === `${USER}/profile`) {
        return profile(headers);
    }
    const content = method === "GET" || method === "HEAD" ? undefined : body;
    return app.fetch(new Request(url, {method, headers, body: content}));
}

async function profile(headers) {
    const history = await answer("GET", `${USER}/history?startHistoryId=0`, headers);
    const {historyId} = await history.json();
    const messages = getGoogleStore(store).messages.all().length;
    return Response.json({
        emailAddress: address,
        historyId: String(historyId),
        messagesTotal: messages,
    });
}

/** Parts of multipart/mixed, each a request; https://developers.google.com/workspace/gmail/api/guides/batch */
async function batch(headers, body) {
    const boundary = /boundary="?([^";]+)/.exec(headers.get("content-type"))[1];
    const parts = body.toString("utf8").split(`--${boundary}`).slice(1, -1);
    const answers = await Promise.all(parts.map((part) => partAnswer(part, headers)));
    const text = answers.map((part) => `--${boundary}\r\n${part}\r\n`).join("");
    return new Response(`${text}--${boundary}--`, {
        headers: {"content-type": `multipart/mixed; boundary=${boundary}`},
    });
}

async function partAnswer(part, headers) {
    const id = /content-id: *<(.+?)>/i.exec(part)[1];
    const [, method, target] = /^([A-Z]+) (\S+) HTTP/m.exec(part);
    const response = await answer(
        method,
        target,
        new Headers({authorization: headers.get("authorization")})
    );
    const content = await response.text();
    return [
        "Content-Type: application/http",
        `Content-ID: <response-${id}>`,
        "",
        `HTTP/1.1 ${response.status} ${response.statusText || "OK"}`,
        "Content-Type: application/json",
        "",
        content,
    ].join("\r\n");
}

async function received(request) {
    const chunks = [];
    for await (const chunk of request) {
        chunks.push(chunk);
    }
    return Buffer.concat(chunks);
}

const server = createHttpServer(async (request, response) => {
    const headers = new Headers(Object.entries(request.headers));
    const body = await received(request);
    const given = request.url.startsWith("/batch")
        ? await batch(headers, body)
        : await answer(request.method, request.url, headers, body);
    response.writeHead(given.status, Object.fromEntries(given.headers));
    response.end(Buffer.from(await given.arrayBuffer()));
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.address().port}\n`));
process.stdin.resume().on("end", () => process.exit());
