//! Who comes to the API server, and in which way.

use std::path::Path;
use std::path::PathBuf;

/// One kubeconfig file of a control plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The tests' own, beside labctl: may do everything, and is not in the audit log.
    Harness,
    /// May do everything.
    Admin,
    /// May read everything, and change nothing.
    Reader,
    /// Has a good certificate and no rights.
    Nobody,
    /// The admin, with a certificate that has expired.
    ExpiredClient,
    /// The admin, by the name `localhost`, for which the server shows an expired certificate.
    ExpiredServer,
    /// The admin, who trusts another CA than the one that signed the server's certificate.
    WrongAuthority,
}

impl Access {
    pub(super) const ALL: [Self; 7] = [
        Self::Harness,
        Self::Admin,
        Self::Reader,
        Self::Nobody,
        Self::ExpiredClient,
        Self::ExpiredServer,
        Self::WrongAuthority,
    ];

    pub(super) fn kubeconfig(self, dir: &Path) -> PathBuf {
        dir.join(format!("{self:?}.kubeconfig"))
    }

    /// The name in the client certificate.
    pub(super) fn user(self) -> &'static str {
        match self {
            Self::Harness => "harness",
            Self::Reader => "reader",
            Self::Nobody => "nobody",
            Self::Admin | Self::ExpiredClient | Self::ExpiredServer | Self::WrongAuthority => "admin",
        }
    }

    /// The group in the client certificate. `system:masters` may do everything, whatever the roles say.
    pub(super) fn group(self) -> Option<&'static str> {
        (!matches!(self, Self::Reader | Self::Nobody)).then_some("system:masters")
    }
}

/// What the reader may do. The role `view` would leave out Secrets, CRDs and all that is not in a namespace.
pub(super) const RIGHTS: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: reader }
rules:
- { apiGroups: ["*"], resources: ["*"], verbs: [get, list, watch] }
- { nonResourceURLs: ["*"], verbs: [get] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: reader }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader }
subjects:
- { apiGroup: rbac.authorization.k8s.io, kind: User, name: reader }
"#;
