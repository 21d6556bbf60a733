// Looks a registry's pair up as testcontainers does before it pulls; the pair as JSON, or exit status 1.
const { getAuthConfig } = require("testcontainers/build/container-runtime/auth/get-auth-config");

getAuthConfig(process.argv[2]).then((found) => {
  if (!found) process.exit(1);
  console.log(JSON.stringify({ Username: found.username, Secret: found.password }));
});
