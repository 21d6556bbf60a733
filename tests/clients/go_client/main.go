// Asks the helper by the client package of docker-credential-helpers: get SERVER, store SERVER USERNAME, erase SERVER.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
)

func main() {
	helper := client.NewShellProgramFunc("docker-credential-harbor")
	if err := call(helper, os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func call(helper client.ProgramFunc, verb string, about []string) error {
	switch verb {
	case "get":
		pair, err := client.Get(helper, about[0])
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(pair)
	case "store":
		secret, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil {
			return err
		}
		pair := credentials.Credentials{ServerURL: about[0], Username: about[1], Secret: strings.TrimSpace(secret)}
		return client.Store(helper, &pair)
	case "erase":
		return client.Erase(helper, about[0])
	}
	return fmt.Errorf("unknown verb %s", verb)
}
