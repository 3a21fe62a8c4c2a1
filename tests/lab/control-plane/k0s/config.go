package main

import (
	"fmt"
	"io"
	"net"
	"os"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

type object = map[string]any

// defaults are what k0s takes where a configuration says nothing.
func defaults() object {
	return object{
		"apiVersion": "k0s.k0sproject.io/v1beta1",
		"kind":       "ClusterConfig",
		"metadata":   object{"name": "k0s", "namespace": "kube-system"},
		"spec": object{
			"api": object{"address": ownAddress(), "port": 6443, "k0sApiPort": 9443, "sans": []any{ownAddress()}},
			"network": object{
				"provider": "kuberouter", "podCIDR": "10.244.0.0/16", "serviceCIDR": "10.96.0.0/12",
				"clusterDomain": "cluster.local",
			},
			"storage":   object{"type": "etcd"},
			"telemetry": object{"enabled": false},
		},
	}
}

// ownAddress is the first one of the host that others can reach.
func ownAddress() string {
	addresses, _ := net.InterfaceAddrs()
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && network.IP.IsGlobalUnicast() && network.IP.To4() != nil {
			return network.IP.String()
		}
	}
	return "127.0.0.1"
}

// loadConfig reads, completes and checks a configuration; `-` is the standard input.
func loadConfig(path string) (object, error) {
	var text []byte
	var err error
	switch {
	case path == "-":
		text, err = io.ReadAll(os.Stdin)
	default:
		text, err = os.ReadFile(path)
		if os.IsNotExist(err) && path == configFile {
			text, err = nil, nil
		}
	}
	if err != nil {
		return nil, err
	}
	said := object{}
	if err := yaml.Unmarshal(text, &said); err != nil {
		return nil, fmt.Errorf("failed to parse config: %w", err)
	}
	config := merged(defaults(), said)
	return config, check(config)
}

func merged(there, over object) object {
	for key, value := range over {
		inner, isObject := value.(map[string]any)
		old, wasObject := there[key].(map[string]any)
		if isObject && wasObject {
			there[key] = merged(old, inner)
		} else {
			there[key] = value
		}
	}
	return there
}

func at(config object, path ...string) any {
	var value any = config
	for _, key := range path {
		inner, _ := value.(map[string]any)
		value = inner[key]
	}
	return value
}

func text(config object, path ...string) string {
	value, _ := at(config, path...).(string)
	return value
}

func check(config object) error {
	switch provider := text(config, "spec", "network", "provider"); provider {
	case "kuberouter", "calico", "custom":
	default:
		return fmt.Errorf("spec: network: provider: Unsupported value: %q: supported values: \"kuberouter\", \"calico\", \"custom\"", provider)
	}
	for _, key := range []string{"podCIDR", "serviceCIDR"} {
		if _, _, err := net.ParseCIDR(text(config, "spec", "network", key)); err != nil {
			return fmt.Errorf("spec: network: %s: Invalid value: %w", key, err)
		}
	}
	switch storage := text(config, "spec", "storage", "type"); storage {
	case "etcd", "kine":
	default:
		return fmt.Errorf("spec: storage: type: Unsupported value: %q: supported values: \"etcd\", \"kine\"", storage)
	}
	return nil
}

func configCommand() *cobra.Command {
	config := &cobra.Command{Use: "config", Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
		return command.Help()
	}}
	validate := &cobra.Command{Use: "validate", Args: cobra.NoArgs}
	path := validate.Flags().StringP("config", "c", configFile, "")
	validate.RunE = func(*cobra.Command, []string) error {
		_, err := loadConfig(*path)
		return err
	}
	create := &cobra.Command{Use: "create", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		text, err := yaml.Marshal(defaults())
		fmt.Print(string(text))
		return err
	}}
	config.AddCommand(validate, create)
	return config
}
