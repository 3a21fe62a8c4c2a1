package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	certificates "k8s.io/api/certificates/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// The kubelet's own credentials. Where they are, no token is looked at.
var kubeletFile = filepath.Join(dataDir, "kubelet.conf")

func nodeName() string {
	host, _ := os.Hostname()
	return strings.ToLower(host)
}

func workerCommand() *cobra.Command {
	command := &cobra.Command{Use: "worker", Args: cobra.NoArgs}
	command.Flags().AddFlagSet(roleFlags("worker"))
	command.RunE = func(command *cobra.Command, _ []string) error {
		tokenFile, _ := command.Flags().GetString("token-file")
		labels, _ := command.Flags().GetStringSlice("labels")
		taints, _ := command.Flags().GetStringSlice("taints")
		if err := lock(); err != nil {
			return err
		}
		if _, err := os.Stat(kubeletFile); err != nil {
			if err := join(tokenFile); err != nil {
				logged("error", "kubelet", "Failed to join: %v", err)
				return err
			}
		}
		told := status{
			Version: version(), Pid: os.Getpid(), PPid: os.Getppid(), Role: "worker", SysInit: "linux-systemd",
			StubFile: unitPath("worker"), Workloads: true, Args: os.Args,
		}
		told.K0sVars.DataDir, told.K0sVars.StatusSocketPath = dataDir, socket
		told.WorkerToAPIConnectionStatus.Success = true
		if err := serve(told); err != nil {
			return err
		}
		if err := mountPrograms(); err != nil {
			return err
		}
		parts := &components{running: map[string]*os.Process{}}
		go func() {
			settings, err := clientcmd.BuildConfigFromFlags("", kubeletFile)
			if err == nil {
				var client *kubernetes.Clientset
				if client, err = kubernetes.NewForConfig(settings); err == nil {
					register(client, labels, taints)
					kubelet(parts, kubeletFile)
				}
			}
			if err != nil {
				logged("error", "kubelet", "%v", err)
			}
		}()
		parts.untilTold()
		return nil
	}
	return command
}

// join takes credentials of the node's own for the token, by a certificate that the cluster signs.
func join(tokenFile string) error {
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return err
	}
	bootstrap, err := opened(string(token))
	if err != nil {
		return fmt.Errorf("failed to decode join token: %w", err)
	}
	settings, err := clientcmd.RESTConfigFromKubeConfig(bootstrap)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(settings)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dataDir, 0o755); err != nil {
		return err
	}
	keyFile := filepath.Join(dataDir, "kubelet.key")
	key, err := newKey(keyFile, "")
	if err != nil {
		return err
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "system:node:" + nodeName(), Organization: []string{"system:nodes"}},
	}, key)
	if err != nil {
		return err
	}
	certificate, err := signed(client, block("CERTIFICATE REQUEST", request))
	if err != nil {
		return err
	}
	keyText, err := os.ReadFile(keyFile)
	if err != nil {
		return err
	}
	text, err := clientcmd.Write(kubeconfigOf(settings.Host, settings.CAData, "kubelet", func(user *authInfo) {
		user.ClientCertificateData, user.ClientKeyData = certificate, keyText
	}))
	if err != nil {
		return err
	}
	return os.WriteFile(kubeletFile, text, 0o600)
}

// signed has the cluster sign a request, which its controllers approve by themselves.
func signed(client *kubernetes.Clientset, request []byte) ([]byte, error) {
	requests := client.CertificatesV1().CertificateSigningRequests()
	made, err := requests.Create(context.Background(), &certificates.CertificateSigningRequest{
		ObjectMeta: meta.ObjectMeta{GenerateName: "node-csr-"},
		Spec: certificates.CertificateSigningRequestSpec{
			Request:    request,
			SignerName: certificates.KubeAPIServerClientKubeletSignerName,
			Usages:     []certificates.KeyUsage{certificates.UsageDigitalSignature, certificates.UsageClientAuth},
		},
	}, meta.CreateOptions{})
	if err != nil {
		return nil, err
	}
	for range 120 {
		seen, err := requests.Get(context.Background(), made.Name, meta.GetOptions{})
		if err == nil && len(seen.Status.Certificate) > 0 {
			return seen.Status.Certificate, nil
		}
		time.Sleep(time.Second)
	}
	return nil, fmt.Errorf("the cluster has not signed the node's certificate")
}

// register makes the Node where it is not there yet. Only then its labels and taints matter.
func register(client *kubernetes.Clientset, labels, taints []string) {
	node := &core.Node{ObjectMeta: meta.ObjectMeta{Name: nodeName(), Labels: map[string]string{
		"kubernetes.io/hostname": nodeName(), "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
	}}}
	for _, label := range labels {
		key, value, _ := strings.Cut(label, "=")
		node.Labels[key] = value
	}
	for _, taint := range taints {
		what, effect, _ := strings.Cut(taint, ":")
		key, value, _ := strings.Cut(what, "=")
		node.Spec.Taints = append(node.Spec.Taints, core.Taint{Key: key, Value: value, Effect: core.TaintEffect(effect)})
	}
	for {
		_, err := client.CoreV1().Nodes().Create(context.Background(), node, meta.CreateOptions{})
		if err == nil || errors.IsAlreadyExists(err) {
			return
		}
		logged("warning", "kubelet", "%v", err)
		time.Sleep(2 * time.Second)
	}
}

// kubelet is played by kwok: the node becomes Ready, and what is scheduled on it runs.
func kubelet(parts *components, kubeconfig string) {
	parts.keep("kubelet", "kwok", "--kubeconfig="+kubeconfig, "--manage-single-node="+nodeName())
}
