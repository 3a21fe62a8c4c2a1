package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/spf13/cobra"
)

const socket = runDir + "/status.sock"

// status has the names and the order of k0s's own.
type status struct {
	Version                     string
	Pid                         int
	PPid                        int
	Role                        string
	SysInit                     string
	StubFile                    string
	Output                      string
	Workloads                   bool
	SingleNode                  bool
	Args                        []string
	WorkerToAPIConnectionStatus struct {
		Message string
		Success bool
	}
	ClusterConfig object
	K0sVars       struct {
		DataDir          string
		StatusSocketPath string
	}
}

// serve tells who asks at the socket what runs. It ends with the process.
func serve(status status) error {
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return err
	}
	_ = os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	// As k0s has it: root alone may ask.
	if err := os.Chmod(socket, 0o600); err != nil {
		return err
	}
	answer := func(writer http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(writer).Encode(status) }
	go func() { _ = http.Serve(listener, http.HandlerFunc(answer)) }()
	return nil
}

func statusCommand() *cobra.Command {
	command := &cobra.Command{Use: "status", Args: cobra.NoArgs}
	output := command.Flags().StringP("out", "o", "", "")
	command.RunE = func(*cobra.Command, []string) error {
		client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}}}
		answer, err := client.Get("http://localhost/status")
		if err != nil {
			return fmt.Errorf("status: can't get \"status\" via %q: %w", socket, err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			return err
		}
		if *output != "json" {
			return fmt.Errorf("the tests' k0s tells its status as JSON alone")
		}
		_, err = os.Stdout.Write(text)
		return err
	}
	return command
}
