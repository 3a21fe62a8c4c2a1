package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
)

// rights let nodes join by a token, and do what kwok does in their name.
const rights = `
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: k0s-bootstrap},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:node-bootstrapper"},
 subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:bootstrappers"}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: k0s-approve},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient"},
 subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:bootstrappers"}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: k0s-nodes},
 roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin},
 subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:nodes"}]}
`

// lock is what keeps two k0s off one host, as k0s does it.
func lock() error {
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(runDir, "k0s.yaml.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("failed to lock the runtime config, another k0s process is still running: %w", err)
	}
	return nil
}

func controllerCommand() *cobra.Command {
	command := &cobra.Command{Use: "controller", Args: cobra.NoArgs}
	command.Flags().AddFlagSet(roleFlags("controller"))
	command.RunE = func(command *cobra.Command, _ []string) error {
		path, _ := command.Flags().GetString("config")
		single, _ := command.Flags().GetBool("single")
		works, _ := command.Flags().GetBool("enable-worker")
		noTaints, _ := command.Flags().GetBool("no-taints")
		labels, _ := command.Flags().GetStringSlice("labels")
		config, err := loadConfig(path)
		if err != nil {
			return err
		}
		if err := lock(); err != nil {
			return err
		}
		told := status{
			Version: version(), Pid: os.Getpid(), PPid: os.Getppid(), Role: "controller", SysInit: "linux-systemd",
			StubFile: unitPath("controller"), Workloads: works || single, SingleNode: single, Args: os.Args,
			ClusterConfig: config,
		}
		told.K0sVars.DataDir, told.K0sVars.StatusSocketPath = dataDir, socket
		if err := serve(told); err != nil {
			return err
		}
		if err := preparePki(names(config)); err != nil {
			return err
		}
		if err := mountPrograms(); err != nil {
			return err
		}
		parts := &components{running: map[string]*os.Process{}}
		parts.keep("kube-apiserver", server(config)...)
		go func() {
			client := ready()
			apply(rights)
			parts.keep("kube-controller-manager", "control-plane", "controllers", "--kubeconfig="+adminFile,
				"--service-account-private-key-file="+pki("sa.key"), "--root-ca-file="+pki("ca.crt"),
				"--cluster-signing-cert-file="+pki("ca.crt"), "--cluster-signing-key-file="+pki("ca.key"),
				"--controllers=*,bootstrapsigner,tokencleaner", "--node-monitor-grace-period=1h",
				"--secure-port=0", "--leader-elect=false")
			parts.keep("kube-scheduler", "control-plane", "scheduler", "--kubeconfig="+adminFile,
				"--secure-port=0", "--leader-elect=false")
			if works || single {
				var taints []string
				if works && !noTaints {
					taints = []string{"node-role.kubernetes.io/control-plane:NoSchedule"}
				}
				labels := append([]string{"node-role.kubernetes.io/control-plane=true"}, labels...)
				register(client, labels, taints)
				kubelet(parts, adminFile)
			}
		}()
		parts.untilTold()
		return nil
	}
	return command
}

// names are what the server's certificate is good for.
func names(config object) []string {
	host, _ := os.Hostname()
	names := []string{"localhost", "127.0.0.1", "kubernetes", strings.ToLower(host), text(config, "spec", "api", "address")}
	addresses, _ := net.InterfaceAddrs()
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok && !network.IP.IsLinkLocalUnicast() {
			names = append(names, network.IP.String())
		}
	}
	sans, _ := at(config, "spec", "api", "sans").([]any)
	for _, name := range sans {
		names = append(names, fmt.Sprint(name))
	}
	return names
}

func server(config object) []string {
	argv := []string{
		"control-plane", "apiserver", filepath.Join(dataDir, "etcd"), "--secure-port=6443", "--bind-address=0.0.0.0",
		"--advertise-address=" + text(config, "spec", "api", "address"),
		"--service-cluster-ip-range=" + text(config, "spec", "network", "serviceCIDR"),
		"--tls-cert-file=" + pki("server.crt"), "--tls-private-key-file=" + pki("server.key"),
		"--client-ca-file=" + pki("ca.crt"), "--enable-bootstrap-token-auth",
		"--service-account-key-file=" + pki("sa.pub"), "--service-account-signing-key-file=" + pki("sa.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--authorization-mode=Node,RBAC", "--allow-privileged",
	}
	extra, _ := at(config, "spec", "api", "extraArgs").(map[string]any)
	for name, value := range extra {
		argv = append(argv, fmt.Sprintf("--%s=%v", name, value))
	}
	return argv
}

// ready returns once the API answers, however long that takes.
func ready() *kubernetes.Clientset {
	for {
		client, err := admin()
		if err == nil {
			_, err = client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(context.Background())
		}
		if err == nil {
			return client
		}
		time.Sleep(time.Second)
	}
}

func kubectl(arguments ...string) *exec.Cmd {
	command := exec.Command(filepath.Join(programs, "kubectl"), arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+adminFile, "HOME="+runDir)
	return command
}

func apply(documents string) {
	command := kubectl("apply", "--server-side", "--field-manager=k0s", "-f", "-")
	command.Stdin = strings.NewReader(documents)
	if said, err := command.CombinedOutput(); err != nil {
		logged("error", "bootstrap", "%v: %s", err, said)
	}
}

func kubeconfigCommand() *cobra.Command {
	parent := &cobra.Command{Use: "kubeconfig", Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
		return command.Help()
	}}
	parent.AddCommand(&cobra.Command{Use: "admin", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		file, err := os.ReadFile(adminFile)
		if err != nil {
			return fmt.Errorf("failed to read admin config, is the control plane initialized on this node? %w", err)
		}
		config, err := loadConfig(configFile)
		if err != nil {
			return err
		}
		address := text(config, "spec", "api", "address")
		fmt.Print(strings.ReplaceAll(string(file), "localhost", address))
		return nil
	}})
	return parent
}

// kubectlCommand is the real kubectl with the admin's rights. k0s has it built in.
func kubectlCommand() *cobra.Command {
	return &cobra.Command{Use: "kubectl", DisableFlagParsing: true, RunE: func(_ *cobra.Command, arguments []string) error {
		if _, err := os.Stat(adminFile); err != nil {
			return err
		}
		if err := mountPrograms(); err != nil {
			return err
		}
		command := kubectl(arguments...)
		return syscall.Exec(command.Path, command.Args, command.Env)
	}}
}
