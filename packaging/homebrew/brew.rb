# frozen_string_literal: true

# Installs a formula as Homebrew does, as far as the formula goes: ruby brew.rb FORMULA ARCHIVES PREFIX
#
# It has those parts of Homebrew that a formula can notice: the folders, the variables that get through, a read-only system
# around the prefix, no network, and the steps after the installation. An archive with the name in the formula's URL must be in
# ARCHIVES. The caveats are printed.

require "digest"
require "fileutils"
require "open3"
require "pathname"
require "tmpdir"

FORMULA, ARCHIVES, PREFIX = ARGV.map { |argument| Pathname(argument).expand_path }

# Homebrew's bin/brew: all other variables are dropped, and so are empty ones.
PASSED = %w[
  HOME SHELL PATH TERM TERMINFO TERMINFO_DIRS COLUMNS DISPLAY LOGNAME USER CI SSH_AUTH_SOCK SUDO_ASKPASS
  http_proxy https_proxy ftp_proxy no_proxy all_proxy HTTPS_PROXY FTP_PROXY ALL_PROXY
].freeze
# Homebrew's extend/ENV/sensitive.rb.
SENSITIVE = /(cookie|key|token|password|passphrase|auth)/i

def variables
  passed = ENV.select { |name, value| (PASSED.include?(name) || name.start_with?("HOMEBREW_")) && !value.empty? }
  passed.reject { |name, _| name.match?(SENSITIVE) }.merge("PATH" => "/usr/bin:/bin:/usr/sbin:/sbin")
end

# A command that may only write to a folder, and reaches no network.
def confined(folder, *command)
  mounts = 'mount --make-rprivate / && mount --bind "$0" "$0" && mount -o remount,bind,ro /'
  namespaces = Process.uid.zero? ? [] : ["--map-root-user"]
  ["/usr/bin/unshare", *namespaces, "--mount", "--net", "/bin/sh", "-c", "#{mounts} && exec \"$@\"", folder.to_s,
   *command.map(&:to_s)]
end

# What Homebrew adds to a path.
class Pathname
  def install(*sources)
    mkpath
    sources.flatten.each do |source|
      raise Errno::ENOENT, source.to_s unless File.symlink?(source) || File.exist?(source)

      FileUtils.mv(source, self)
    end
  end

  def install_symlink(links)
    mkpath
    links.each { |target, name| File.symlink(Pathname(target).relative_path_from(self), self + name) }
  end
end

# The steps after the installation: literal calls without anything else of Ruby or of the formula (Homebrew's
# install_steps.rb, of which the formula uses `run`).
class Steps < BasicObject
  def record(&block)
    @all = []
    instance_eval(&block)
    @all
  end

  def run(command, args: [], base: nil, env: {}, must_succeed: true, print_stdout: false, print_stderr: true)
    ::Kernel.raise ::ArgumentError, "unexpected arguments" unless [base, print_stdout, print_stderr] == [:bin, false, true]
    @all << { command:, args:, env:, must_succeed: }
  end
end

class Formula
  attr_reader :testpath

  class << self
    attr_reader :steps, :tests

    %w[desc homepage version license url sha256].each do |word|
      define_method(word) do |value = nil|
        raise "#{word} is given twice" if value && instance_variable_defined?("@#{word}")

        value ? instance_variable_set("@#{word}", value) : instance_variable_get("@#{word}")
      end
    end

    def on_macos; end

    def on_linux
      yield
    end

    def on_arm
      yield if RUBY_PLATFORM.start_with?("aarch64")
    end

    def on_intel
      yield if RUBY_PLATFORM.start_with?("x86_64")
    end

    def post_install_steps(&block)
      @steps = Steps.new.record(&block)
    end

    def test(&block)
      @tests = block
    end
  end

  def name = self.class.name.downcase
  def version = self.class.version
  def prefix = PREFIX + "Cellar" + name + version
  def bin = prefix + "bin"
  def etc = PREFIX + "etc"
  def man1 = prefix + "share/man/man1"
  def doc = prefix + "share/doc" + name
  def bash_completion = prefix + "etc/bash_completion.d"
  def zsh_completion = prefix + "share/zsh/site-functions"
  def fish_completion = prefix + "share/fish/vendor_completions.d"

  # Unpacks the archive after comparing its digest, and installs what is in it.
  def pour
    archive = ARCHIVES + File.basename(self.class.url)
    found = Digest::SHA256.file(archive).hexdigest
    raise "#{archive} has the SHA-256 #{found}, the formula #{self.class.sha256}" if found != self.class.sha256

    Dir.mktmpdir do |folder|
      Kernel.system("tar", "-C", folder, "-xf", archive.to_s, exception: true)
      # A single folder in it is entered.
      Dir.chdir(Dir.children(folder).map { |child| File.join(folder, child) }.first) { install }
    end
    link
  end

  # Links the installed files into the prefix, those of another version away.
  def link
    Pathname.glob("#{prefix}/{bin,share,etc}/**/*").reject { |file| file.directory? && !file.symlink? }.each do |file|
      link = PREFIX + file.relative_path_from(prefix)
      link.dirname.mkpath
      FileUtils.ln_sf(file.relative_path_from(link.dirname), link)
    end
    (PREFIX + "opt").mkpath
    opt = PREFIX + "opt" + name
    FileUtils.rm_f(opt)
    File.symlink("../Cellar/#{name}/#{version}", opt)
  end

  def post_install
    self.class.steps.each do |step|
      command = confined(PREFIX, bin + step[:command], *step[:args])
      # Homebrew's output, and the user's terminal is not the program's.
      _, said, status = Open3.capture3(variables.merge(step[:env]), *command, unsetenv_others: true)
      warn said
      raise "#{step[:command]} failed" unless status.success? || !step[:must_succeed]
    end
  end

  def run_test
    Dir.mktmpdir do |folder|
      @testpath = Pathname(folder).realpath
      Dir.chdir(@testpath) { instance_eval(&self.class.tests) }
    end
  end

  def system(*command)
    Kernel.system({ **variables, "HOME" => testpath.to_s }, *command.map(&:to_s), unsetenv_others: true, exception: true)
  end

  def assert_equal(expected, found)
    raise "#{found.inspect} is not #{expected.inspect}" if found != expected
  end

  def assert_match(expected, text)
    raise "#{expected.inspect} is not in #{text.inspect}" unless text.match?(expected)
  end

  def refute_match(unexpected, text)
    raise "#{unexpected.inspect} is in #{text.inspect}" if text.match?(unexpected)
  end

  def shell_output(command, result = 0)
    output, status = Open3.capture2({ **variables, "HOME" => testpath.to_s }, command, unsetenv_others: true)
    assert_equal result, status.exitstatus
    output
  end
end

load FORMULA
formula = Kubekey.new
formula.pour
formula.post_install
puts formula.caveats
formula.run_test
