// npm's oidc-provider, configured as GOV.BR's manual describes the Login Único: an issuer with
// a slash at its end, /authorize, /token and /jwk, PKCE by S256, one RSA key `rsa1` without a
// `use`, signed access tokens whose audience is the client, `scope` as a list. Persons sign in
// without a page: `login_hint` names the account. For tests only.
//
// Prints one line of JSON once it listens. Ends when its standard input does.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const CLIENTS = ['h-client.teste.gov.br', 'another.teste.gov.br'];
const SECRET = 'opens-nothing';
const RETURN = 'https://desk.example/callback';
const SCOPES = ['openid', 'email', 'profile', 'phone', 'govbr_empresa'];
const API = 'urn:govbr:api';

const ACCOUNTS = {
  member: {
    sub: '18762794604',
    name: 'Membro da Silva',
    amr: ['passwd', 'captcha'],
    reliability_info: { level: 'silver', reliabilities: [] },
  },
  representative: {
    sub: '72268402517',
    name: 'Representante de Souza',
    amr: ['x509', 'x509_token'],
    reliability_info: { level: 'gold', reliabilities: [] },
    cnpj: '52.420.282/0001-80',
    cnpj_certificate_name: 'EMPRESA DE EXEMPLO LTDA',
  },
};

const byCpf = (cpf) => Object.values(ACCOUNTS).find((account) => account.sub === cpf);

function configuration() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), kid: 'rsa1', alg: 'RS256' };
  return {
    jwks: { keys: [key] },
    clients: CLIENTS.map((client) => ({
      client_id: client,
      client_secret: SECRET,
      redirect_uris: [RETURN],
      require_auth_time: true,
    })),
    cookies: { keys: ['opens nothing either'] },
    routes: { authorization: '/authorize', jwks: '/jwk', token: '/token', userinfo: '/userinfo/' },
    responseTypes: ['code'],
    pkce: { required: () => true },
    scopes: SCOPES,
    claims: {
      openid: [
        'sub', 'preferred_username', 'amr', 'scope', 'reliability_info', 'cnpj', 'cnpj_certificate_name',
      ],
      profile: ['name'],
    },
    // GOV.BR puts them into the id_token, and not only into its userinfo.
    conformIdTokenClaims: false,
    ttl: {
      AccessToken: 3600, AuthorizationCode: 60, Grant: 600, IdToken: 60, Interaction: 60, Session: 600,
    },
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => API,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, _resource, client) => ({
          scope: SCOPES.join(' '),
          audience: client.clientId,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    formats: {
      customizers: {
        jwt(_context, token, jwt) {
          const { amr, cnpj } = byCpf(token.accountId);
          jwt.header = { typ: undefined };
          jwt.payload = {
            ...jwt.payload,
            scope: token.scope.split(' '),
            preferred_username: token.accountId,
            amr,
            ...(cnpj && { cnpj }),
          };
        },
      },
    },
    findAccount: (_context, cpf) => ({
      accountId: cpf,
      claims: (_use, scope) => ({
        ...byCpf(cpf), preferred_username: cpf, scope: scope.split(' '),
      }),
    }),
    // Nobody is asked for consent.
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client.clientId, accountId: oidc.session.accountId,
      });
      grant.addOIDCScope(SCOPES.join(' '));
      grant.addResourceScope(API, SCOPES.join(' '));
      await grant.save();
      return grant;
    },
    interactions: { url: (_context, interaction) => `/login/${interaction.uid}` },
  };
}

let provider;

async function signIn(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const { sub, amr } = ACCOUNTS[params.login_hint];
  await provider.interactionFinished(request, response, { login: { accountId: sub, amr } });
}

const server = createServer((request, response) => {
  if (!request.url.startsWith('/login/')) {
    provider.callback()(request, response);
    return;
  }
  signIn(request, response).catch((error) => {
    response.writeHead(400).end(String(error));
  });
});

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}/`;
  provider = new Provider(issuer, configuration());
  process.stdout.write(`${JSON.stringify({
    issuer, clients: CLIENTS, secret: SECRET, callback: RETURN, scope: SCOPES.join(' '),
  })}\n`);
});

process.stdin.on('end', () => process.exit(0)).resume();
