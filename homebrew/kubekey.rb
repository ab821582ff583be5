# packaging/manifests fills this in. homebrew-core has another program with this name: say @TAP@/kubekey everywhere.
class Kubekey < Formula
  desc "@DESCRIPTION@"
  homepage "@HOMEPAGE@"
  version "@VERSION@"
  license "GPL-2.0-or-later"

  on_macos do
    # with kubekey-aarch64-apple-darwin.tar.xz
    on_arm do
      url "@URL@"
      sha256 "@SHA256@"
    end
    # end
    # with kubekey-x86_64-apple-darwin.tar.xz
    on_intel do
      url "@URL@"
      sha256 "@SHA256@"
    end
    # end
  end

  on_linux do
    # with kubekey-aarch64-unknown-linux-gnu.tar.xz
    on_arm do
      url "@URL@"
      sha256 "@SHA256@"
    end
    # end
    # with kubekey-x86_64-unknown-linux-gnu.tar.xz
    on_intel do
      url "@URL@"
      sha256 "@SHA256@"
    end
    # end
  end

  def install
    bin.install "bin/kubekey", "bin/kubectl_complete-kubekey"
    bin.install_symlink bin/"kubekey" => "kubectl-kubekey"
    man1.install Dir["share/man/man1/kubekey*"]
    man1.install_symlink man1/"kubekey.1.gz" => "kubectl-kubekey.1.gz"
    bash_completion.install "share/bash-completion/completions/kubekey"
    zsh_completion.install "share/zsh/site-functions/_kubekey"
    fish_completion.install "share/fish/vendor_completions.d/kubekey.fish"
    doc.install Dir["share/doc/kubekey/*"]
  end

  # Settings for all users of this Homebrew, from HOMEBREW_OIDC_ISSUER_URL, HOMEBREW_OIDC_CLIENT_ID and HOMEBREW_OIDC_CA. An
  # edited file stays.
  post_install_steps do
    run "kubekey", args: ["setup", "--system", "--homebrew"], base: :bin, must_succeed: false
  end

  def caveats
    <<~EOS
      If #{etc}/kubekey/config.toml names no provider: kubekey setup --system --homebrew --issuer-url URL --client-id ID
      Then set up kubectl: kubekey setup --cluster NAME --server URL
    EOS
  end

  test do
    assert_equal "kubekey v#{version}", shell_output("#{bin}/kubekey --version").chomp
    # It writes a kubeconfig with a path that stays after an upgrade.
    kubeconfig = testpath/"kubeconfig"
    system bin/"kubekey", "setup", "--kubeconfig=#{kubeconfig}", "--cluster=test", "--server=https://k8s.example.com",
           "--issuer-url=https://login.example.com", "--client-id=kubernetes", "--offline", "--yes"
    assert_match "--issuer-url=https://login.example.com", kubeconfig.read
    refute_match "Cellar", kubeconfig.read
    # It signs in, here at a provider that does not exist (exit code 5).
    assert_match "hint: ", shell_output("#{bin}/kubekey --issuer-url=http://127.0.0.1:1 --client-id=test 2>&1", 5)
  end
end
