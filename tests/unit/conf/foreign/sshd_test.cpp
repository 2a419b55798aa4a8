#include "tests/support/translated.hpp"

using conf::Endpoint;
using conf::LogLevel;
using namespace std::chrono_literals;

namespace {

const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhUkl8W5nicXxcNpK/sTqp2KmJYkjQHxndXEXhX1L1C";
constexpr auto file = "/etc/ssh/sshd_config";
const std::map<std::string, std::string> host{
    {"/etc/passwd",
     "root:x:0:0:root:/root:/bin/bash\newc:x:1001:1001::/srv/home/ewc:/usr/sbin/nologin\n"
     "aruba:x:1002:1002::/home/aruba:/bin/false\nops:x:1003:1003::/home/ops:/bin/bash\n"},
    {"/etc/group", "root:x:0:\newc:x:1001:\nsftponly:x:2000:ewc,aruba\nstaff:x:50:ops\n"},
    {"/srv/home/ewc/.ssh/authorized_keys",
     "# the 9800\n" + key + " wlc\n" + key + " wlc\nnonsense $6$secret\n"},
    {"/etc/keys/aruba", "restrict,command=\"internal-sftp\" " + key + "\ncert-authority " + key + "\n"}};

Translated sshd(const std::string& text, std::map<std::string, std::string> files = host) {
  return Translated(text, file, std::move(files));
}

}  // namespace

TEST_CASE("Debian's own sshd_config") {
  const auto made = sshd(
      "# This is the sshd server system-wide configuration file.\n\nInclude "
      "/etc/ssh/sshd_config.d/*.conf\n\n#Port 22\n"
      "#AddressFamily any\n#ListenAddress 0.0.0.0\n\n#HostKey /etc/ssh/ssh_host_rsa_key\n\n#LogLevel INFO\n\n"
      "#LoginGraceTime 2m\n#PermitRootLogin prohibit-password\n#MaxAuthTries "
      "6\n\nKbdInteractiveAuthentication no\n\n"
      "UsePAM yes\n\nX11Forwarding yes\nPrintMotd no\nAcceptEnv LANG LC_*\n"
      "Subsystem\tsftp\t/usr/lib/openssh/sftp-server\n");

  CHECK(made.translation.program == "OpenSSH's sshd");
  CHECK(made.settings.ssh.listen == std::vector<Endpoint>{{"0.0.0.0", 22}, {"::", 22}});
  CHECK(made.settings.tftp.listen.empty());
  CHECK(made.settings.ssh.users.empty());
  CHECK(made.says(0, "no account with ForceCommand internal-sftp"));
  CHECK(made.says(0, "ssh_host_ed25519_key"));
  CHECK(made.says(0, "move sshd"));
}

TEST_CASE("an account of SFTP alone comes along with its keys") {
  const auto made = sshd(
      "PasswordAuthentication no\nMatch User ewc\n\tForceCommand internal-sftp -R\n\tChrootDirectory "
      "/srv/sftp/%u\n"
      "\tAllowTcpForwarding no\n\tX11Forwarding no\n");

  REQUIRE(made.settings.ssh.users.size() == 1);
  const auto& user = made.settings.ssh.users.front();
  CHECK(user.name == "ewc");
  CHECK(user.root == "/");
  CHECK_FALSE(user.uploads);
  CHECK(user.authorized_keys == std::vector{key + " wlc"});
  CHECK(made.says(3, "cp -r /srv/sftp/ewc/. /var/lib/apdepot/images/"));
  CHECK(made.remark("not a key").starts_with("/srv/home/ewc/.ssh/authorized_keys 4: "));
  CHECK(made.remark("$6$secret") == "");
  CHECK(made.remark("/etc/shadow") == "");
}

TEST_CASE("accounts of a group, with folders of their own") {
  const auto made = sshd(
      "Match Group sftponly\n  ChrootDirectory /srv/sftp/%u\n  ForceCommand internal-sftp\n"
      "  AuthorizedKeysFile /etc/keys/%u .ssh/authorized_keys\n");

  REQUIRE(made.settings.ssh.users.size() == 2);
  CHECK(made.settings.ssh.users[0].name == "aruba");
  CHECK(made.settings.ssh.users[0].root == "/aruba");
  CHECK(made.settings.ssh.users[0].uploads);
  CHECK(made.settings.ssh.users[0].authorized_keys.size() == 1);
  CHECK(made.settings.ssh.users[1].root == "/ewc");
  CHECK(made.remark("cert-authority").starts_with("/etc/keys/aruba 2: "));
  CHECK(made.says(3, "hash of /etc/shadow cannot come along"));
  CHECK(made.says(3, "cp -r /srv/sftp/aruba/. /var/lib/apdepot/images/aruba/"));
}

TEST_CASE("an account without keys is the administrator's to make") {
  const auto made = sshd("Match User controller\n  ForceCommand internal-sftp\n  ChrootDirectory /srv/x\n");

  CHECK(made.settings.ssh.users.empty());
  CHECK(made.says(2, "`apdepot user add controller --uploads` asks for a password"));
}

TEST_CASE("whoever has a shell, or may not log in, stays") {
  const auto made = sshd(
      "AllowUsers ewc\nMatch User ops\n  ChrootDirectory /srv/ops\nMatch User aruba\n  ForceCommand "
      "internal-sftp\n"
      "Match User ewc\n  ForceCommand internal-sftp\n");

  REQUIRE(made.settings.ssh.users.size() == 1);
  CHECK(made.says(3, "ops: no ForceCommand internal-sftp"));
  CHECK(made.says(5, "aruba may not log in there"));
}

TEST_CASE("a Match by anything but the user has no equivalent") {
  const auto made = sshd(
      "ForceCommand internal-sftp -R\nAllowUsers ewc\nMatch Address 192.0.2.0/24\n  ForceCommand "
      "internal-sftp\n");

  CHECK(made.says(3, "apdepot decides by user only"));
  REQUIRE(made.settings.ssh.users.size() == 1);
  CHECK_FALSE(made.settings.ssh.users.front().uploads);
}

TEST_CASE("a Match that fits overrides what stands above it for everybody") {
  auto files = host;
  files["/etc/keys/all"] = key + " everybody's\n";
  const auto made = sshd(
      "AuthorizedKeysFile /etc/keys/all\nPasswordAuthentication yes\nChrootDirectory none\nMatch User ewc\n"
      "  ForceCommand internal-sftp\n  ChrootDirectory /srv/sftp\n  AuthorizedKeysFile .ssh/authorized_keys\n"
      "  PasswordAuthentication no\nMatch User ewc\n  AuthorizedKeysFile /etc/keys/all\n",
      files);

  REQUIRE(made.settings.ssh.users.size() == 1);
  CHECK(made.settings.ssh.users.front().authorized_keys == std::vector{key + " wlc"});
  CHECK(made.says(5, "cp -r /srv/sftp/. /var/lib/apdepot/images/"));
  CHECK(made.remark("/etc/shadow") == "");
}

TEST_CASE("ports, addresses and limits") {
  const auto made = sshd(
      "Port 22\nPort 2022\nListenAddress 192.0.2.2\nListenAddress [2001:db8::2]:2222\nListenAddress "
      "2001:db8::3\n"
      "LoginGraceTime 1m30s\nMaxStartups 20:50:60\nPerSourceMaxStartups 4\nRekeyLimit 1G 1h\nLogLevel INFO\n"
      "PerSourcePenaltyExemptList 192.0.2.0/24\nBanner /etc/issue\nFingerprintHash md5\n");
  const auto& ssh = made.settings.ssh;

  CHECK(ssh.listen == std::vector<Endpoint>{{"192.0.2.2", 22},
                                            {"192.0.2.2", 2022},
                                            {"2001:db8::2", 2222},
                                            {"2001:db8::3", 22},
                                            {"2001:db8::3", 2022}});
  CHECK(ssh.login_grace == 90s);
  CHECK(ssh.max_unauthenticated == conf::EarlyDrop{20, 50, 60});
  CHECK(ssh.max_unauthenticated_per_address == 4);
  CHECK(ssh.rekey_limit == 1ULL << 30);
  CHECK(ssh.trusted.size() == 1);
  CHECK(made.settings.log.level == LogLevel::normal);
  CHECK(made.says(9, "not by time"));
  CHECK(made.says(12, "shows none"));
  CHECK(made.says(13, "fingerprinthash md5: it has no equivalent"));
}

TEST_CASE("algorithms: lists, and what is added, removed and preferred") {
  const auto made = sshd(
      "KexAlgorithms +diffie-hellman-group14-sha1,diffie-hellman-group1-sha1\nCiphers aes256-ctr,3des-cbc\n"
      "MACs -hmac-sha2-256*\nHostKeyAlgorithms ^ssh-rsa\n");
  const auto& ssh = made.settings.ssh;

  CHECK(ssh.kex.back() == "diffie-hellman-group14-sha1");
  CHECK(ssh.kex.front() == "curve25519-sha256");
  CHECK(ssh.ciphers == std::vector<std::string>{"aes256-ctr"});
  CHECK(ssh.macs == std::vector<std::string>{"hmac-sha2-512-etm@openssh.com", "hmac-sha2-512"});
  CHECK(ssh.host_key_algorithms.front() == "ssh-rsa");
  CHECK(
      made.says(1, "diffie-hellman-group1-sha1: it is left out; that one is never offered: it is too weak"));
  CHECK(made.says(2, "3des-cbc"));
}

TEST_CASE("host keys go on, where there is such a kind") {
  const auto made = sshd("HostKey /etc/ssh/ssh_host_rsa_key\nHostKey /etc/ssh/ssh_host_ecdsa_key\n");

  CHECK(made.says(1, "/var/lib/apdepot/state/ssh_host_rsa_key"));
  CHECK(made.says(2, "has RSA and Ed25519"));
}

TEST_CASE("included files are read, and only so deep") {
  auto files = host;
  files["/etc/ssh/sshd_config.d/a.conf"] = "Match User ewc\nForceCommand internal-sftp\n";
  files["/etc/ssh/loop"] = "Include loop\n";
  const auto made = sshd("Include /etc/ssh/sshd_config.d/*.conf\nPort 2022\nInclude loop\n", files);

  REQUIRE(made.settings.ssh.users.size() == 1);
  CHECK(made.settings.ssh.listen.front().port == 2022);
  CHECK(made.remark("too deep") != "");
}

TEST_CASE("hostile names") {
  const auto made =
      sshd("Match User ../x,e$(x)\n  ForceCommand internal-sftp\n  ChrootDirectory /srv/../../%u\n");

  CHECK(made.settings.ssh.users.empty());
  CHECK(made.says(2, "left out"));
}
