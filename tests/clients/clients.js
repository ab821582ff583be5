// The clients: the source of each, and the program that lists pods with it.
//
// A program lists the pods of the namespace `default` for each line on its standard input, and replies to each with a line:
// `listed`, or `failed:` and why. Called with --once it lists them once, and fails if that fails.

/**
 * `ci`: runs in CI, too. `apiVersion`: that of the kubeconfig, if the client does not know v1.
 * One of `tools` (from tests/install), `deb`, `pip`, `npm` and `crate` is its source.
 */
export const CLIENTS = [
  { name: 'kubectl, newest', ci: true, tools: 'kubectl', program: 'kubectl.js' },
  { name: 'kubectl, oldest', ci: true, deb: 'kubernetes-client', program: 'kubectl.js', apiVersion: 'v1beta1' },
  { name: 'Python `kubernetes`', ci: true, pip: 'kubernetes==37.0.2', program: 'python-kubernetes.py' },
  { name: 'Python `pykube-ng`', ci: true, pip: 'pykube-ng==23.6.0', program: 'python-pykube-ng.py', apiVersion: 'v1beta1' },
  { name: 'Node.js `@kubernetes/client-node`', ci: true, npm: '@kubernetes/client-node', program: 'node.js' },
  { name: 'Rust `kube`', ci: true, crate: 'kube' },
  { name: 'Python `kubernetes_asyncio`', pip: 'kubernetes_asyncio==36.1.0', program: 'python-kubernetes_asyncio.py' },
  { name: 'Python `lightkube`', pip: 'lightkube==1.0.1', program: 'python-lightkube.py', apiVersion: 'v1beta1' },
  { name: 'Python `kr8s`', pip: 'kr8s==0.20.15', program: 'python-kr8s.py' },
];
