module go_client

go 1.21

require github.com/docker/docker-credential-helpers v0.9.3
