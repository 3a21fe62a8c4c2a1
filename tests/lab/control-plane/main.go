// Command control-plane is the control plane of the tests' Kubernetes clusters: etcd with the API server in one process,
// the controllers, and the scheduler, each a subcommand that takes the flags of the real program.
package main

import (
	"fmt"
	"net/url"
	"os"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

const usage = `usage: control-plane apiserver ETCD_FOLDER [FLAG of kube-apiserver]...
       control-plane controllers [FLAG of kube-controller-manager]...
       control-plane scheduler [FLAG of kube-scheduler]...`

func main() {
	command, arguments, err := choose(os.Args[1:])
	if err != nil {
		fmt.Fprintf(os.Stderr, "control-plane: %v\n", err)
		os.Exit(2)
	}
	command.SetArgs(arguments)
	os.Exit(cli.Run(command))
}

func choose(arguments []string) (*cobra.Command, []string, error) {
	switch {
	case len(arguments) >= 2 && arguments[0] == "apiserver":
		address, err := startEtcd(arguments[1])
		if err != nil {
			return nil, nil, fmt.Errorf("etcd: %w", err)
		}
		return apiserver.NewAPIServerCommand(), append(arguments[2:], "--etcd-servers=http://"+address), nil
	case len(arguments) >= 1 && arguments[0] == "controllers":
		return controllers.NewControllerManagerCommand(), arguments[1:], nil
	case len(arguments) >= 1 && arguments[0] == "scheduler":
		return scheduler.NewSchedulerCommand(), arguments[1:], nil
	}
	return nil, nil, fmt.Errorf("no such part\n%s", usage)
}

// startEtcd starts etcd on this folder, which it makes if need be, and returns the loopback address that it listens on
// once it answers. It ends with the process.
func startEtcd(folder string) (string, error) {
	anyPort := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	config := embed.NewConfig()
	config.Dir = folder
	config.LogLevel = "error"
	config.ListenClientUrls, config.AdvertiseClientUrls = anyPort, anyPort
	config.ListenPeerUrls, config.AdvertisePeerUrls = anyPort, anyPort
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// What a test writes need not outlive the machine's power, only a process.
	config.UnsafeNoFsync = true
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd.Clients[0].Addr().String(), nil
	case err := <-etcd.Err():
		return "", err
	}
}
