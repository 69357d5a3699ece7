// A certified OpenID provider as the tests' second opinion: keys, discovery and tokens that Portcullis' own
// authors did not write. The package comes from `tests/tools/fetch oidc-provider`.
//
//   node tests/support/oidc-provider/server.mjs [--port N] [--client-secret S] [--audience URL]
//
// Environment: OIDC_PORT, OIDC_CLIENT_SECRET, OIDC_AUDIENCE. Port 0, the default, takes any free one.
// When it is ready it prints one line of JSON on stdout: issuer, token_endpoint, client_id, client_secret,
// audience. It ends on SIGTERM and when its standard input closes, so it never outlives the test that started it.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: process.env.OIDC_PORT ?? '0' },
    'client-secret': { type: 'string', default: process.env.OIDC_CLIENT_SECRET ?? randomBytes(24).toString('base64url') },
    audience: { type: 'string', default: process.env.OIDC_AUDIENCE ?? 'https://api.example.com' },
  },
});
const clientId = 'demo';
const clientSecret = options['client-secret'];
const scope = 'read:messages';

const installed = createRequire(new URL('../../../target/tools/oidc-provider/', import.meta.url));
const { default: Provider } = await import(pathToFileURL(installed.resolve('oidc-provider')));

// Made at every start: a key that is checked in is a key that somebody trusts one day.
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwks = { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomBytes(8).toString('hex'), alg: 'RS256', use: 'sig' }] };

// The issuer's name holds the port, so the port is bound before the provider exists.
const server = createServer();
await new Promise((resolve, reject) => {
  server.once('error', reject);
  server.listen(Number(options.port), '127.0.0.1', resolve);
});
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  jwks,
  cookies: { keys: [randomBytes(24).toString('base64url')] },
  clients: [{
    client_id: clientId,
    client_secret: clientSecret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
  }],
  scopes: [scope],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => options.audience,
      useGrantedResource: () => true,
      getResourceServerInfo: (_ctx, resource) => ({
        scope, // of an unknown scope comes a token without `scope`, not an error
        audience: resource,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
});
server.on('request', provider.callback());

const end = () => process.exit(0);
process.on('SIGTERM', end);
process.on('SIGINT', end);
process.stdin.on('end', end).on('error', end).resume();

console.log(JSON.stringify({
  issuer,
  token_endpoint: `${issuer}/token`,
  client_id: clientId,
  client_secret: clientSecret,
  audience: options.audience,
}));
