// A strict client of the author of the certified relying party: everything that the server offers, once.
import * as oauth from "oauth4webapi";
import { finish, refusal, told, visit } from "./person.mjs";

const http = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(told.issuer);

async function discover(algorithm) {
  const answer = await oauth.discoveryRequest(issuer, { ...http, algorithm });
  return oauth.processDiscoveryResponse(issuer, answer);
}

/** Authorization code with PKCE, state and iss; by a pushed request and bound to a key where asked. */
async function codeFlow(as, app, authentication, { dpop, pushed } = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const parameters = new URLSearchParams({
    client_id: app.client_id,
    redirect_uri: told.redirect_uri,
    response_type: "code",
    scope: told.scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const url = new URL(as.authorization_endpoint);
  url.search = parameters;
  if (pushed) {
    const push = () =>
      oauth.pushedAuthorizationRequest(as, app, authentication, parameters, { ...http, DPoP: dpop });
    const par = await again(dpop, async () =>
      oauth.processPushedAuthorizationResponse(as, app, await push()),
    );
    url.search = new URLSearchParams({ client_id: app.client_id, request_uri: par.request_uri });
  }
  const callback = oauth.validateAuthResponse(as, app, await visit(url), state);
  return again(dpop, async () =>
    oauth.processAuthorizationCodeResponse(
      as,
      app,
      await oauth.authorizationCodeGrantRequest(as, app, authentication, callback, told.redirect_uri, verifier, {
        ...http,
        DPoP: dpop,
      }),
    ),
  );
}

/** Try once more with the nonce that the server asked for, as the library tells its users to. */
async function again(dpop, call) {
  try {
    return await call();
  } catch (error) {
    if (dpop && oauth.isDPoPNonceError(error)) return call();
    throw error;
  }
}

async function api(token, dpop) {
  const url = new URL(told.resource + "/cases?limit=1");
  return again(dpop, () =>
    oauth.protectedResourceRequest(token, "GET", url, undefined, undefined, { ...http, DPoP: dpop }),
  );
}

async function refreshed(as, app, authentication, token, dpop) {
  return again(dpop, async () =>
    oauth.processRefreshTokenResponse(
      as,
      app,
      await oauth.refreshTokenGrantRequest(as, app, authentication, token, { ...http, DPoP: dpop }),
    ),
  );
}

async function claimsOf(as, tokens, dpop) {
  const headers = { authorization: `${dpop ? "DPoP" : "Bearer"} ${tokens.access_token}` };
  if (!dpop) {
    const request = new Request(told.resource, { headers });
    return oauth.validateJwtAccessToken(as, request, told.resource, http);
  }
  // The library makes the proof while it sends: let it send to us instead.
  let seen;
  const url = new URL(told.resource + "/cases");
  await oauth.protectedResourceRequest(tokens.access_token, "GET", url, undefined, undefined, {
    ...http,
    DPoP: dpop,
    [oauth.customFetch]: async (...call) => {
      seen = new Request(...call);
      return new Response("{}", { headers: { "content-type": "application/json" } });
    },
  });
  return oauth.validateJwtAccessToken(as, seen, told.resource, { ...http, requireDPoP: true });
}

async function introspected(as, app, authentication, token) {
  const answer = await oauth.introspectionRequest(as, app, authentication, token, http);
  return oauth.processIntrospectionResponse(as, app, answer);
}

async function revoke(as, app, authentication, token) {
  const answer = await oauth.revocationRequest(as, app, authentication, token, http);
  return oauth.processRevocationResponse(answer);
}

const as = await discover("oauth2");
const same = await discover("oidc");
const resource = await oauth.processResourceDiscoveryResponse(
  new URL(told.resource),
  await oauth.resourceDiscoveryRequest(new URL(told.resource), http),
);

// 1. A confidential application with a secret, by a pushed request.
const app = { client_id: told.client_id };
const secret = oauth.ClientSecretBasic(told.client_secret);
const tokens = await codeFlow(as, app, secret, { pushed: true });
const claims = await claimsOf(as, tokens);
const first = await api(tokens.access_token);
const introspection = await introspected(as, app, secret, tokens.access_token);
const next = await refreshed(as, app, oauth.ClientSecretPost(told.client_secret), tokens.refresh_token);
const second = await api(next.access_token);
await revoke(as, app, secret, next.refresh_token);
const afterwards = await introspected(as, app, secret, next.access_token);
const late = await refusal(refreshed(as, app, secret, next.refresh_token));

// 2. The firm itself, by client credentials.
const own = await oauth.processClientCredentialsResponse(
  as,
  app,
  await oauth.clientCredentialsGrantRequest(as, app, secret, { scope: "read:cases" }, http),
);
const third = await api(own.access_token);

// 3. A public application that registers itself, bound to its own key.
const registered = await oauth.processDynamicClientRegistrationResponse(
  await oauth.dynamicClientRegistrationRequest(
    as,
    {
      client_name: "Aplicación registrada",
      redirect_uris: [told.redirect_uri],
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      scope: told.scope,
    },
    { ...http, initialAccessToken: told.initial_access_token },
  ),
);
const open = { client_id: registered.client_id };
const dpop = oauth.DPoP(open, await oauth.generateKeyPair("ES256"));
const bound = await codeFlow(as, open, oauth.None(), { dpop });
const boundClaims = await claimsOf(as, bound, dpop);
const fourth = await api(bound.access_token, dpop);
const boundNext = await refreshed(as, open, oauth.None(), bound.refresh_token, dpop);
const stranger = oauth.DPoP(open, await oauth.generateKeyPair("ES256"));
const stolen = await refusal(refreshed(as, open, oauth.None(), boundNext.refresh_token, stranger));
await revoke(as, open, oauth.None(), boundNext.refresh_token);

finish({
  metadata: as,
  same: same.issuer === as.issuer,
  resource,
  tokens: { ...tokens, access_token: undefined, refresh_token: undefined },
  claims,
  introspection,
  afterwards,
  late,
  statuses: [first.status, second.status, third.status, fourth.status],
  registered,
  bound: bound.token_type,
  boundClaims,
  stolen,
});
