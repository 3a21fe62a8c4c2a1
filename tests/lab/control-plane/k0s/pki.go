package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

type authInfo = api.AuthInfo

const year = 365 * 24 * time.Hour

var adminFile = pki("admin.conf")

func pki(name string) string {
	return filepath.Join(dataDir, "pki", name)
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// newKey writes a key and returns it. Of the public half goes a file beside it where asked for.
func newKey(path, public string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	if public != "" {
		half, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(public, block("PUBLIC KEY", half), 0o644); err != nil {
			return nil, err
		}
	}
	return key, os.WriteFile(path, block("EC PRIVATE KEY", der), 0o600)
}

func template(name string, organizations ...string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: organizations},
		// The host's clock may have been set since.
		NotBefore: time.Now().Add(-24 * time.Hour),
		NotAfter:  time.Now().Add(10 * year),
		KeyUsage:  x509.KeyUsageDigitalSignature,
	}
}

// preparePki makes what is not there yet. The server's certificate is made at every start: its names may have changed.
func preparePki(names []string) error {
	if err := os.MkdirAll(filepath.Join(dataDir, "pki"), 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(pki("ca.crt")); os.IsNotExist(err) {
		if err := newAuthority(); err != nil {
			return err
		}
	}
	server := template("kubernetes")
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if address := net.ParseIP(name); address != nil {
			server.IPAddresses = append(server.IPAddresses, address)
		} else {
			server.DNSNames = append(server.DNSNames, name)
		}
	}
	if err := sign(server, pki("server.crt"), pki("server.key")); err != nil {
		return err
	}
	if _, err := os.Stat(adminFile); err == nil {
		return nil
	}
	if _, err := newKey(pki("sa.key"), pki("sa.pub")); err != nil {
		return err
	}
	return newAdmin()
}

func newAuthority() error {
	key, err := newKey(pki("ca.key"), "")
	if err != nil {
		return err
	}
	authority := template("kubernetes-ca")
	authority.IsCA, authority.BasicConstraintsValid = true, true
	authority.KeyUsage |= x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	if err != nil {
		return err
	}
	return os.WriteFile(pki("ca.crt"), block("CERTIFICATE", der), 0o644)
}

// sign writes a certificate of the cluster's authority and its key.
func sign(what *x509.Certificate, certificate, keyFile string) error {
	read := func(name string) []byte {
		text, _ := os.ReadFile(pki(name))
		decoded, _ := pem.Decode(text)
		if decoded == nil {
			return nil
		}
		return decoded.Bytes
	}
	authority, err := x509.ParseCertificate(read("ca.crt"))
	if err != nil {
		return err
	}
	authorityKey, err := x509.ParseECPrivateKey(read("ca.key"))
	if err != nil {
		return err
	}
	key, err := newKey(keyFile, "")
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, what, authority, key.Public(), authorityKey)
	if err != nil {
		return err
	}
	return os.WriteFile(certificate, block("CERTIFICATE", der), 0o644)
}

func newAdmin() error {
	who := template("kubernetes-admin", "system:masters")
	who.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if err := sign(who, pki("admin.crt"), pki("admin.key")); err != nil {
		return err
	}
	authority, err := os.ReadFile(pki("ca.crt"))
	if err != nil {
		return err
	}
	certificate, err := os.ReadFile(pki("admin.crt"))
	if err != nil {
		return err
	}
	key, err := os.ReadFile(pki("admin.key"))
	if err != nil {
		return err
	}
	text, err := clientcmd.Write(kubeconfigOf("https://localhost:6443", authority, "user", func(user *authInfo) {
		user.ClientCertificateData, user.ClientKeyData = certificate, key
	}))
	if err != nil {
		return err
	}
	return os.WriteFile(adminFile, text, 0o600)
}

// kubeconfigOf has the names that k0s gives: cluster `local`, context `Default`.
func kubeconfigOf(server string, authority []byte, name string, fill func(*authInfo)) api.Config {
	config := api.NewConfig()
	config.Clusters["local"] = &api.Cluster{Server: server, CertificateAuthorityData: authority}
	user := api.NewAuthInfo()
	fill(user)
	config.AuthInfos[name] = user
	config.Contexts["Default"] = &api.Context{Cluster: "local", AuthInfo: name}
	config.CurrentContext = "Default"
	return *config
}
