// oidc-provider (panva/node-oidc-provider), as the tests want it: options as JSON in the first argument.
//
// It says {"issuer": …} on standard output once it answers, and ends with its standard input. Each line there is an
// order: {"client": {…}} registers one, {"without": id} removes it, {"forget": model, "of": username} drops what is kept.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

import { CompactSign, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, importJWK } from 'jose';
import Provider from 'oidc-provider';

import * as pages from './pages.js';
import { Store, forget, setGrace } from './store.js';

const options = {
  path: '', // of the issuer
  people: {}, // user names and their passwords
  clients: [],
  alg: 'RS256', // of ID tokens
  tokenSeconds: 300, // of access and ID tokens alike
  rotate: true, // with the grant revoked at a second use
  graceSeconds: 0, // in which a second use is forgiven all the same
  refreshTokens: 'offline_access', // | always | never
  refreshedIdToken: true,
  claimsInIdToken: true, // else at the userinfo endpoint alone
  audiences: {}, // by client: whom its ID tokens are for beside itself
  audienceScope: false, // Dex: the scope audience:server:client_id:X adds X
  pairwise: false, // a sub that differs per client
  iss: true, // RFC 9207
  revocation: true,
  device: true,
  ...JSON.parse(process.argv[2] ?? '{}'),
};
setGrace(options.graceSeconds);

const AUDIENCE_SCOPE = /^audience:server:client_id:(.+)$/;
const { privateKey } = await generateKeyPair(options.alg, { extractable: true });
const jwk = { ...(await exportJWK(privateKey)), alg: options.alg, use: 'sig', kid: 'lab' };
const signingKey = await importJWK(jwk, options.alg);

const subjectOf = (username) => `id-of-${username}`;
const usernameOf = (subject) => Object.keys(options.people).find((name) => subjectOf(name) === subject);

function account(_ctx, subject) {
  const name = usernameOf(subject);
  if (name === undefined) return undefined;
  return {
    accountId: subject,
    claims: () => ({
      sub: subject,
      name,
      preferred_username: name,
      email: `${name}@example.com`,
      email_verified: true,
    }),
  };
}

const REFRESH_TOKEN_RULES = {
  always: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
  never: () => false,
  offline_access: (_ctx, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
};

const AUDIENCE_SCOPES = options.audienceScope ? options.clients.map((each) => `audience:server:client_id:${each.client_id}`) : [];

const server = createServer();
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}${options.path}`;

const provider = new Provider(issuer, {
  adapter: Store,
  jwks: { keys: [jwk] },
  clients: [],
  clientDefaults: { id_token_signed_response_alg: options.alg },
  enabledJWA: { idTokenSigningAlgValues: [options.alg] },
  scopes: ['openid', 'offline_access', 'profile', 'email', ...AUDIENCE_SCOPES],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: !options.claimsInIdToken,
  cookies: { keys: ['lab'] },
  subjectTypes: options.pairwise ? ['pairwise'] : ['public', 'pairwise'],
  pairwiseIdentifier: (_ctx, subject, client) => createHash('sha256').update(`${subject} ${client.clientId}`).digest('hex'),
  findAccount: account,
  issueRefreshToken: REFRESH_TOKEN_RULES[options.refreshTokens],
  rotateRefreshToken: options.rotate,
  interactions: { url: (_ctx, interaction) => `${options.path}/interaction/${interaction.uid}` },
  renderError: (ctx, out) => {
    ctx.type = 'html';
    ctx.body = pages.refused(out);
  },
  ttl: {
    AccessToken: options.tokenSeconds,
    IdToken: options.tokenSeconds,
    RefreshToken: 86400,
    Session: 86400,
    Grant: 86400,
    Interaction: 600,
    DeviceCode: 600,
  },
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: options.revocation },
    deviceFlow: {
      enabled: options.device,
      userCodeConfirmSource: (ctx, form, _client, _info, userCode) => {
        ctx.body = pages.confirmDevice(form, userCode);
      },
      successSource: (ctx) => {
        ctx.body = pages.signedInDevice;
      },
    },
  },
});

// --- What other providers do and this one does not ------------------------------------------------------------------

async function withFurtherAudience(idToken, clientId, scopes) {
  const asked = options.audienceScope ? scopes.flatMap((scope) => scope.match(AUDIENCE_SCOPE)?.[1] ?? []) : [];
  const further = [...(options.audiences[clientId] ?? []), ...asked];
  if (further.length === 0) return idToken;
  const claims = { ...decodeJwt(idToken), aud: [clientId, ...further] };
  return new CompactSign(Buffer.from(JSON.stringify(claims)))
    .setProtectedHeader(decodeProtectedHeader(idToken))
    .sign(signingKey);
}

function withoutIss(ctx) {
  if (ctx.body?.authorization_response_iss_parameter_supported) {
    delete ctx.body.authorization_response_iss_parameter_supported;
  }
  const target = URL.parse(ctx.response.get('location'));
  if (target?.searchParams.has('iss')) {
    target.searchParams.delete('iss');
    ctx.set('location', target.href);
  }
}

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith('/interaction/')) {
    await interact(ctx);
    return;
  }
  await next();
  if (ctx.oidc?.route === 'token' && ctx.body?.id_token) {
    const { client, params, entities } = ctx.oidc;
    const scopes = (entities.AccessToken?.scope ?? '').split(' ');
    ctx.body.id_token = await withFurtherAudience(ctx.body.id_token, client.clientId, scopes);
    if (params.grant_type === 'refresh_token' && !options.refreshedIdToken) delete ctx.body.id_token;
  }
  if (!options.iss) withoutIss(ctx);
});

// --- The person -----------------------------------------------------------------------------------------------------

async function formOf(req) {
  let body = '';
  for await (const block of req) body += block;
  return new URLSearchParams(body);
}

async function interact(ctx) {
  const { uid, prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  const action = `${options.path}/interaction/${uid}`;
  const form = ctx.method === 'POST' ? await formOf(ctx.req) : undefined;
  ctx.type = 'html';
  if (prompt.name === 'login') {
    const name = form?.get('username') ?? params.login_hint ?? '';
    if (form === undefined || options.people[name] !== form.get('password')) {
      ctx.body = pages.login(action, name, form !== undefined);
      return;
    }
    await finish(ctx, { login: { accountId: subjectOf(name) } });
  } else if (form === undefined) {
    ctx.body = pages.consent(action, params.client_id, params.scope);
  } else {
    await finish(ctx, { consent: { grantId: await grant(session.accountId, params, prompt.details) } });
  }
}

async function grant(accountId, params, details) {
  const given = new provider.Grant({ accountId, clientId: params.client_id });
  given.addOIDCScope(params.scope);
  if (details.missingOIDCClaims) given.addOIDCClaims(details.missingOIDCClaims);
  return given.save();
}

async function finish(ctx, result) {
  const target = await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: false });
  ctx.redirect(target);
}

// --- Orders ---------------------------------------------------------------------------------------------------------

const clients = new Store('Client');

async function register(client) {
  await clients.upsert(client.client_id, {
    response_types: ['code'],
    subject_type: options.pairwise ? 'pairwise' : 'public',
    ...client,
  });
}

async function obey(order) {
  if (order.client) await register(order.client);
  if (order.without) await clients.destroy(order.without);
  if (order.forget) forget(order.forget, (payload) => !order.of || payload.accountId === subjectOf(order.of));
}

for (const client of options.clients) await register(client);
provider.on('server_error', (_ctx, error) => console.error(error));
const answer = provider.callback();
server.on('request', (request, response) => {
  request.originalUrl = request.url; // from the two it works out its own path
  request.url = request.url.slice(options.path.length) || '/';
  answer(request, response);
});
console.log(JSON.stringify({ issuer }));

for await (const line of createInterface({ input: process.stdin })) {
  await obey(JSON.parse(line));
  console.log('{}');
}
process.exit(0);
