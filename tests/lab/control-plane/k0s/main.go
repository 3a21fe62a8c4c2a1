// Command k0s stands in for k0s on the tests' hosts. It takes the arguments that k0s takes and no others, answers in its
// formats, writes its units, and runs the tests' own control plane where k0s would run the one that it brings along.
//
// Its version is what follows the last versionMark in its own file, so that a test makes another version by appending to it.
package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

const (
	program     = "/usr/local/bin/k0s"
	dataDir     = "/var/lib/k0s"
	runDir      = "/run/k0s"
	configFile  = "/etc/k0s/k0s.yaml"
	versionMark = "\nk0s version: "
	ownVersion  = "v1.34.4+k0s.0"
)

func main() {
	root := &cobra.Command{
		Use:           "k0s",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(
		versionCommand(), installCommand(), startCommand(), stopCommand(), statusCommand(), configCommand(), tokenCommand(),
		kubeconfigCommand(), kubectlCommand(), resetCommand(), controllerCommand(), workerCommand(),
	)
	if err := root.Execute(); err != nil {
		fmt.Fprintf(os.Stderr, "Error: %v\n", err)
		os.Exit(1)
	}
}

// version is that of the file, which is not that of a process that was started before the file was replaced.
func version() string {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return ownVersion
	}
	at := bytes.LastIndex(self, []byte(versionMark))
	// The mark is in the program itself, too; only at the end it is followed by a version.
	if at < 0 || len(self)-at > 64 {
		return ownVersion
	}
	return strings.TrimSpace(string(self[at+len(versionMark):]))
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Args: cobra.NoArgs, Run: func(*cobra.Command, []string) { fmt.Println(version()) }}
}

// resetCommand is there to be noticed: nothing that the tests run may ever call it.
func resetCommand() *cobra.Command {
	return &cobra.Command{Use: "reset", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		_ = os.WriteFile("/var/lib/k0s-reset-was-called", nil, 0o600)
		return fmt.Errorf("a test would have lost its cluster")
	}}
}
