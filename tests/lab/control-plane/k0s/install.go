package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// What kardianos/service makes of a command line for systemd, as k0s uses it.
const unit = `[Unit]
Description=k0s - Zero Friction Kubernetes
Documentation=https://docs.k0sproject.io
ConditionFileIsExecutable=%[1]s

After=network-online.target 
Wants=network-online.target 

[Service]
StartLimitInterval=5
StartLimitBurst=10
ExecStart=%[1]s %[2]s

RestartSec=10
Delegate=yes
KillMode=process
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
LimitNOFILE=999999
Restart=always

[Install]
WantedBy=multi-user.target
`

var roles = []string{"controller", "worker"}

func unitPath(role string) string {
	return "/etc/systemd/system/k0s" + role + ".service"
}

// roleFlags are those that k0s has for a role, as far as anything in its documentation of a cluster uses them.
func roleFlags(role string) *pflag.FlagSet {
	flags := pflag.NewFlagSet(role, pflag.ContinueOnError)
	flags.BoolP("debug", "d", false, "")
	flags.BoolP("verbose", "v", false, "")
	flags.String("data-dir", dataDir, "")
	flags.String("status-socket", "", "")
	flags.String("token-file", "", "")
	flags.StringSlice("labels", nil, "")
	flags.StringSlice("taints", nil, "")
	flags.String("kubelet-extra-args", "", "")
	flags.String("kubelet-root-dir", "", "")
	flags.String("profile", "default", "")
	flags.String("cri-socket", "", "")
	flags.String("iptables-mode", "", "")
	flags.StringToStringP("logging", "l", nil, "")
	if role == "controller" {
		flags.StringP("config", "c", configFile, "")
		flags.Bool("enable-worker", false, "")
		flags.Bool("no-taints", false, "")
		flags.Bool("single", false, "")
		flags.Bool("enable-dynamic-config", false, "")
		flags.Bool("enable-metrics-scraper", false, "")
		flags.StringSlice("disable-components", nil, "")
		flags.String("kube-controller-manager-extra-args", "", "")
	}
	return flags
}

func installCommand() *cobra.Command {
	parent := &cobra.Command{Use: "install", Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
		return command.Help()
	}}
	for _, role := range roles {
		command := &cobra.Command{Use: role, Args: cobra.NoArgs}
		command.Flags().AddFlagSet(roleFlags(role))
		command.Flags().Bool("force", false, "")
		command.Flags().Bool("start", false, "")
		command.Flags().StringSliceP("env", "e", nil, "")
		command.RunE = func(command *cobra.Command, _ []string) error { return install(role, command.Flags()) }
		parent.AddCommand(command)
	}
	return parent
}

func install(role string, flags *pflag.FlagSet) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("this command must be run as root")
	}
	if role == "controller" {
		path, _ := flags.GetString("config")
		if _, err := loadConfig(path); err != nil {
			return err
		}
	}
	again, _ := flags.GetBool("force")
	if _, err := os.Stat(unitPath(role)); err == nil && !again {
		return fmt.Errorf("failed to install %s service: Init already exists: %s", role, unitPath(role))
	}
	words := []string{role}
	flags.Visit(func(flag *pflag.Flag) {
		switch value := flag.Value.String(); flag.Name {
		case "force", "start", "env":
		case "config", "token-file", "data-dir", "kubelet-root-dir":
			absolute, err := filepath.Abs(value)
			if err != nil {
				absolute = value
			}
			words = append(words, "--"+flag.Name+"="+absolute)
		default:
			if slice, ok := flag.Value.(pflag.SliceValue); ok {
				value = strings.Join(slice.GetSlice(), ",")
			}
			words = append(words, "--"+flag.Name+"="+value)
		}
	})
	for at, word := range words {
		words[at] = strings.ReplaceAll(word, " ", `\x20`)
	}
	text := fmt.Sprintf(unit, program, strings.Join(words, " "))
	if err := os.WriteFile(unitPath(role), []byte(text), 0o644); err != nil {
		return err
	}
	for _, arguments := range [][]string{{"daemon-reload"}, {"enable", "k0s" + role + ".service"}} {
		if said, err := exec.Command("systemctl", arguments...).CombinedOutput(); err != nil {
			return fmt.Errorf("systemctl %v: %w: %s", arguments, err, said)
		}
	}
	if start, _ := flags.GetBool("start"); start {
		return systemctl("start", role)
	}
	return nil
}

func systemctl(verb, role string) error {
	said, err := exec.Command("systemctl", verb, "--no-block", "k0s"+role+".service").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// installed is the role whose unit is there, the controller's first.
func installed() (string, error) {
	for _, role := range roles {
		if _, err := os.Stat(unitPath(role)); err == nil {
			return role, nil
		}
	}
	return "", fmt.Errorf("k0s has not been installed as a service")
}

func startCommand() *cobra.Command {
	return &cobra.Command{Use: "start", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		role, err := installed()
		if err != nil {
			return err
		}
		return systemctl("start", role)
	}}
}

func stopCommand() *cobra.Command {
	return &cobra.Command{Use: "stop", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		role, err := installed()
		if err != nil {
			return err
		}
		said, err := exec.Command("systemctl", "stop", "k0s"+role+".service").CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w: %s", err, said)
		}
		return nil
	}}
}
