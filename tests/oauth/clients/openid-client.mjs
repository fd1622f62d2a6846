// The library that most Node.js applications use, as its readers would write it.
import * as client from "openid-client";
import { finish, refusal, told, visit } from "./person.mjs";

const insecure = { execute: [client.allowInsecureRequests], algorithm: "oauth2" };
const server = new URL(told.issuer);
const config = await client.discovery(server, told.client_id, told.client_secret, undefined, insecure);

async function codeFlow(build = async (parameters) => client.buildAuthorizationUrl(config, parameters), options) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const url = await build({
    redirect_uri: told.redirect_uri,
    scope: told.scope,
    state: expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const arrived = await visit(url);
  return client.authorizationCodeGrant(config, arrived, { pkceCodeVerifier, expectedState }, undefined, options);
}

const cases = new URL(told.resource + "/cases?limit=1");
const statuses = [];

// The plain flow, and the token's life.
const tokens = await codeFlow();
statuses.push((await client.fetchProtectedResource(config, tokens.access_token, cases, "GET")).status);
const next = await client.refreshTokenGrant(config, tokens.refresh_token);
statuses.push((await client.fetchProtectedResource(config, next.access_token, cases, "GET")).status);
const introspection = await client.tokenIntrospection(config, next.access_token);
await client.tokenRevocation(config, next.refresh_token);
const late = await refusal(client.refreshTokenGrant(config, next.refresh_token));

// A pushed request, bound to a key.
const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
const bound = await codeFlow(
  (parameters) => client.buildAuthorizationUrlWithPAR(config, parameters, { DPoP }),
  { DPoP },
);
statuses.push(
  (await client.fetchProtectedResource(config, bound.access_token, cases, "GET", null, undefined, { DPoP })).status,
);

// The firm itself.
const own = await client.clientCredentialsGrant(config, { scope: "read:cases" });
statuses.push((await client.fetchProtectedResource(config, own.access_token, cases, "GET")).status);

finish({ statuses, introspection, late, token_type: tokens.token_type, bound: bound.token_type, own: own.scope });
