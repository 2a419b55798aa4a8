#include "server/ssh/negotiation.hpp"

#include <doctest/doctest.h>
#include <libssh/libssh.h>

#include <string>
#include <thread>
#include <vector>

using namespace server;
using Ear = SshNegotiation::Ear;
using Names = std::vector<std::string>;

namespace {

// What libssh would log, from the function that logs it.
void log(int level, const char* function, const std::string& text) {
  _ssh_log(level, function, "%s", text.c_str());
}
void agree(const std::string& names) { log(SSH_LOG_INFO, "ssh_kex_select_methods", "Negotiated " + names); }
void take_keys() { log(SSH_LOG_INFO, "ssh_packet_newkeys", "Received SSH_MSG_NEWKEYS"); }
void ask(const std::string& user, const std::string& method = "publickey") {
  log(SSH_LOG_DEBUG, "ssh_packet_userauth_request",
      "Auth request for service ssh-connection, method " + method + " for user '" + user + "'");
}
void find_forged() {
  log(SSH_LOG_DEBUG, "ssh_packet_userauth_request", "Received an invalid signature from peer");
}

const SshPeer peer{9, "", "192.0.2.7", 40000, "SSH-2.0-x"};
constexpr auto names =
    "curve25519-sha256,rsa-sha2-512,aes256-ctr,aes128-ctr,hmac-sha2-256,hmac-sha1,none,none,,";

}  // namespace

TEST_CASE("an exchange is complete when the new keys are in use, and told in the order of KEXINIT") {
  SshNegotiation negotiation;
  const Ear ear(negotiation, Ear::For::exchanges);
  CHECK_FALSE(negotiation.complete());
  agree(names);
  CHECK_FALSE(negotiation.complete());
  take_keys();
  REQUIRE(negotiation.complete());
  const auto told = negotiation.told(peer);
  CHECK(told.number == 9);
  CHECK(told.client == "192.0.2.7");
  CHECK(told.port == 40000);
  CHECK(told.banner == "SSH-2.0-x");
  CHECK(told.kex == "curve25519-sha256");
  CHECK(told.host_key == "rsa-sha2-512");
  CHECK(told.cipher_in == "aes256-ctr");
  CHECK(told.cipher_out == "aes128-ctr");
  CHECK(told.mac_in == "hmac-sha2-256");
  CHECK(told.mac_out == "hmac-sha1");
}

TEST_CASE("new keys without an agreement complete nothing, and a later exchange is incomplete again") {
  SshNegotiation negotiation;
  const Ear ear(negotiation, Ear::For::exchanges);
  take_keys();
  CHECK_FALSE(negotiation.complete());
  agree(names);
  take_keys();
  CHECK(negotiation.complete());
  agree("other-kex,rsa-sha2-512,aes256-ctr,aes128-ctr,hmac-sha2-256,hmac-sha1,none,none,,");
  CHECK_FALSE(negotiation.complete());
  take_keys();
  CHECK(negotiation.complete());
  CHECK(negotiation.told(peer).kex == "other-kex");
}

TEST_CASE("keys that libssh asks for are awaited, and the exchange runs once the client agrees") {
  SshNegotiation negotiation;
  const Ear ear(negotiation, Ear::For::exchanges);
  agree(names);
  take_keys();
  const auto agreements = negotiation.agreements();
  negotiation.ask();
  CHECK_FALSE(negotiation.complete());
  CHECK_FALSE(negotiation.runs());
  CHECK(negotiation.agreements() == agreements);
  agree(names);
  CHECK_FALSE(negotiation.complete());
  CHECK(negotiation.runs());
  CHECK(negotiation.agreements() == agreements + 1);
  take_keys();
  CHECK(negotiation.complete());
}

TEST_CASE("the error of a first exchange without a match is kept") {
  SshNegotiation negotiation;
  const Ear ear(negotiation, Ear::For::logins);
  const std::string error = "kex error : no match for method kex algos: server [a], client [b]";
  log(SSH_LOG_TRACE, "ssh_socket_exception_callback", error);
  CHECK(negotiation.mismatch().empty());
  log(SSH_LOG_TRACE, "ssh_kex_select_methods", error);
  log(SSH_LOG_TRACE, "ssh_socket_exception_callback", "Socket error: Success");
  CHECK(negotiation.mismatch() == error);
  CHECK_FALSE(negotiation.complete());
}

TEST_CASE("a cipher that authenticates by itself has no MAC, in its own direction only") {
  struct Row {
    const char *in, *out, *mac_in, *mac_out;
  };
  for (const auto& row : {Row{"aes128-gcm@openssh.com", "aes256-ctr", "<implicit>", "out"},
                          Row{"aes256-cbc", "aes256-gcm@openssh.com", "in", "<implicit>"},
                          Row{"chacha20-poly1305@openssh.com", "aes192-ctr", "<implicit>", "out"},
                          Row{"aes192-ctr", "aes192-ctr", "in", "out"}}) {
    CAPTURE(std::string(row.in));
    CAPTURE(std::string(row.out));
    SshNegotiation negotiation;
    const Ear ear(negotiation, Ear::For::exchanges);
    agree(std::string("kex,key,") + row.in + "," + row.out + ",in,out,none,none,,");
    take_keys();
    CHECK(negotiation.told(peer).mac_in == row.mac_in);
    CHECK(negotiation.told(peer).mac_out == row.mac_out);
  }
}

TEST_CASE("an agreement with fewer names than there are places is none") {
  SshNegotiation negotiation;
  const Ear ear(negotiation, Ear::For::exchanges);
  for (const auto* few : {"", "kex", "kex,key,in,out,mac", ",,,,"}) {
    CAPTURE(std::string(few));
    agree(few);
    take_keys();
    CHECK_FALSE(negotiation.complete());
  }
  agree("kex,key,in,out,mac,mac");
  take_keys();
  CHECK(negotiation.complete());
}

TEST_CASE("lines of other functions, which hold what a client likes, are not believed") {
  SshNegotiation negotiation;
  const Ear ear(negotiation, Ear::For::logins);
  log(SSH_LOG_INFO, "ssh_packet_ignore_callback", std::string("Negotiated ") + names);
  log(SSH_LOG_INFO, "ssh_client_banner", std::string("ssh_kex_select_methods: Negotiated ") + names);
  log(SSH_LOG_INFO, "ssh_packet_disconnect_callback", "Received SSH_MSG_NEWKEYS");
  take_keys();
  CHECK_FALSE(negotiation.complete());
  log(SSH_LOG_INFO, "ssh_packet_disconnect_callback", "Received an invalid signature from peer");
  CHECK(negotiation.take_forged().empty());
}

TEST_CASE("a wrong signature is told with the name that it was for, once") {
  SshNegotiation negotiation;
  const Ear ear(negotiation, Ear::For::logins);
  ask("ewc");
  CHECK(negotiation.take_forged().empty());
  find_forged();
  find_forged();
  ask("other");
  find_forged();
  CHECK(negotiation.take_forged() == Names{"ewc", "ewc", "other"});
  CHECK(negotiation.take_forged().empty());
}

TEST_CASE("the name comes raw, whatever it is made of") {
  SshNegotiation negotiation;
  const Ear ear(negotiation, Ear::For::logins);
  for (const auto* name : {"", "'", "it's", "a, method password for user 'b", "line\nline", "\xff\xfe"}) {
    CAPTURE(std::string(name));
    ask(name);
    find_forged();
    CHECK(negotiation.take_forged() == Names{name});
  }
}

TEST_CASE("a name of another method's request is not the one that signs") {
  SshNegotiation negotiation;
  const Ear ear(negotiation, Ear::For::logins);
  ask("ewc");
  ask("root", "password");
  find_forged();
  CHECK(negotiation.take_forged() == Names{""});
}

TEST_CASE("an ear for exchanges hears no logins, and none hears anything once it is gone") {
  SshNegotiation negotiation;
  {
    const Ear ear(negotiation, Ear::For::exchanges);
    ask("ewc");
    find_forged();
    CHECK(negotiation.take_forged().empty());
  }
  agree(names);
  take_keys();
  CHECK_FALSE(negotiation.complete());
  CHECK(ssh_get_log_level() == SSH_LOG_NONE);
}

TEST_CASE("what libssh does on another thread is heard by that thread's ear alone") {
  SshNegotiation ours, theirs;
  const Ear ear(ours, Ear::For::exchanges);
  std::thread([&] {
    agree(names);
    take_keys();
    const Ear other(theirs, Ear::For::exchanges);
    agree(names);
    take_keys();
  }).join();
  CHECK_FALSE(ours.complete());
  CHECK(theirs.complete());
  agree(names);
  CHECK(theirs.complete());
}
