#include "server/ssh/ending.hpp"

#include <doctest/doctest.h>

#include "conf/load.hpp"
#include "server/events/event.hpp"
#include "server/log/classic.hpp"

using namespace server;

namespace {

std::string line(const std::string& why, const std::string& user = "", conf::Ssh settings = {}) {
  const auto lines = std::visit([](const auto& each) { return classic_lines(each); },
                                ending({9, user, "192.0.2.7", 40000, "SSH-2.0-Cisco-1.25"}, why, settings));
  REQUIRE(lines.size() == 1);
  return lines[0].text;
}

}  // namespace

TEST_CASE("why a connection ended is told in sshd's words") {
  CHECK(line("Socket error: disconnected") == "sshd[9]: Connection closed by 192.0.2.7 port 40000");
  CHECK(line("", "ewc") == "sshd[9]: Connection closed by user ewc 192.0.2.7 port 40000");
  CHECK(line("Socket error: Connection reset by peer") ==
        "sshd[9]: Connection reset by 192.0.2.7 port 40000");
  CHECK(line("Received SSH_MSG_DISCONNECT: 11:disconnected by user\n", "ewc") ==
        "sshd[9]: Disconnected from user ewc 192.0.2.7 port 40000: 11:disconnected by user\\n");
  CHECK(line("Timeout before authentication") ==
        "sshd[9]: Timeout before authentication for 192.0.2.7 port 40000");
  CHECK(line("Too many authentication failures") ==
        "sshd[9]: Disconnecting 192.0.2.7 port 40000: Too many authentication failures");
}

TEST_CASE("a negotiation without a match shows both lists, and legacy only where it would help") {
  const auto kex = [](const std::string& theirs) {
    return "kex error : no match for method kex algos: server [curve25519-sha256,ecdh-sha2-nistp256], client "
           "[" +
           theirs + "]";
  };
  CHECK(line(kex("diffie-hellman-group1-sha1,diffie-hellman-group14-sha1")) ==
        "sshd[9]: Unable to negotiate with 192.0.2.7 port 40000: no matching key exchange method "
        "found. Their "
        "offer: diffie-hellman-group1-sha1,diffie-hellman-group14-sha1. Ours: "
        "curve25519-sha256,ecdh-sha2-nistp256. "
        "They are SSH-2.0-Cisco-1.25; ssh.compatibility: legacy has what they need");
  CHECK(line(kex("diffie-hellman-group1-sha1")).find("legacy") == std::string::npos);
  CHECK(line(kex("diffie-hellman-group14-sha1x")).find("legacy") == std::string::npos);
  CHECK(line(kex("a\nb")).find("Their offer: a\\nb. Ours") != std::string::npos);
  CHECK(line("kex error : no match for method mac algo client->server: server [hmac-sha2-256], client "
             "[hmac-sha1]")
            .find("no matching MAC found. Their offer: hmac-sha1. Ours: hmac-sha2-256") != std::string::npos);
  CHECK(line("kex error : no match for method compression algo client->server: server [none], client [zlib]")
            .find("no matching compression algo client->server found") != std::string::npos);
}

TEST_CASE("legacy is no advice where a list of one's own is in its way") {
  conf::Ssh settings;
  settings.ciphers = {"aes256-ctr"};
  const std::string why =
      "kex error : no match for method encryption client->server: server [aes256-ctr], client [aes128-cbc]";
  CHECK(line(why, "", settings).find("legacy") == std::string::npos);
  CHECK(line(why).find("legacy has what they need") != std::string::npos);
}

TEST_CASE("a user's key of a type that is not taken is told as such") {
  const std::string why =
      "Public key from client (ssh-rsa) doesn't match server preference (ssh-ed25519,rsa-sha2-512)";
  CHECK(leaves_the_client_waiting(why));
  CHECK_FALSE(leaves_the_client_waiting(""));
  CHECK(line(why) ==
        "sshd[9]: Unable to negotiate with 192.0.2.7 port 40000: no matching user key type found. Their "
        "offer: ssh-rsa. Ours: ssh-ed25519,rsa-sha2-512. They are SSH-2.0-Cisco-1.25; ssh.compatibility: "
        "legacy "
        "has what they need");
  conf::Ssh legacy;
  legacy.compatibility = conf::Compatibility::legacy;
  CHECK(line(why, "", legacy).find("legacy") == std::string::npos);
}

TEST_CASE("a group exchange that finds no group is not left waiting") {
  CHECK(leaves_the_client_waiting("Couldn't find DH group for [4096:4096:8192]"));
  CHECK(leaves_the_client_waiting("Invalid dh-gex arguments [9:8:7]"));
}

TEST_CASE("a client's farewell is told as such, even in libssh's words for a mismatch") {
  for (const std::string said :
       {"kex error : no match for method kex algos: server [a], client [b]",
        "Public key from client (ssh-rsa) doesn't match server preference (ssh-ed25519)"}) {
    CHECK(line("Received SSH_MSG_DISCONNECT: 11:" + said, "ewc") ==
          "sshd[9]: Disconnected from user ewc 192.0.2.7 port 40000: 11:" + said);
  }
}

TEST_CASE("only a client that is still there is told why the connection ends") {
  CHECK(is_ours("Too many authentication failures"));
  CHECK(is_ours("Timeout before authentication"));
  CHECK_FALSE(is_ours(""));
  CHECK_FALSE(is_ours("Socket error: disconnected"));
  CHECK_FALSE(is_ours("Received SSH_MSG_DISCONNECT: 11:disconnected by user"));
}

TEST_CASE("a file that was open when the connection ended was ended by the client, the network or us") {
  using protocols::Cause;
  CHECK(cause_of_end("Received SSH_MSG_DISCONNECT: 11:disconnected by user") == Cause::disconnected);
  CHECK(cause_of_end("Socket error: disconnected") == Cause::disconnected);
  CHECK(cause_of_end("Socket error: Connection reset by peer") == Cause::connection_lost);
  CHECK(cause_of_end("the client has sent nothing for 10 minutes") == Cause::connection_lost);
  CHECK(cause_of_end("the server is shutting down") == Cause::shutdown);
  CHECK(cause_of_end(stopped_by_administrator) == Cause::stopped);
  CHECK(cause_of_end("out of memory") == Cause::connection_ended);
}

TEST_CASE("each text of libssh's has its end, and what is not known is our own doing") {
  using event::SshEnd;
  struct Row {
    const char* why;
    SshEnd how;
    const char* told;
  };
  for (const auto& row :
       {Row{"", SshEnd::closed, ""},
        Row{"Socket error: disconnected", SshEnd::closed, "Socket error: disconnected"},
        Row{"Socket error: Connection reset by peer", SshEnd::reset,
            "Socket error: Connection reset by peer"},
        Row{"Writing packet: error on socket (or connection closed): Broken pipe", SshEnd::reset,
            "Writing packet: error on socket (or connection closed): Broken pipe"},
        Row{"Received SSH_MSG_DISCONNECT: 2:Connection reset", SshEnd::disconnected, "2:Connection reset"},
        Row{"Received SSH_MSG_DISCONNECT: 11:Timeout", SshEnd::disconnected, "11:Timeout"},
        Row{"Received SSH_MSG_DISCONNECT: ", SshEnd::disconnected, ""},
        Row{"Timeout before authentication", SshEnd::timeout, "Timeout before authentication"},
        Row{"the client has sent nothing for 60 minutes", SshEnd::disconnecting,
            "the client has sent nothing for 60 minutes"},
        Row{"Bad packet length 16", SshEnd::disconnecting, "Bad packet length 16"}}) {
    CAPTURE(std::string(row.why));
    const auto end = ending({9, "ewc", "192.0.2.7", 40000, "SSH-2.0-x"}, row.why, {});
    const auto* const ended = std::get_if<event::SshEnded>(&end);
    REQUIRE(ended);
    CHECK(ended->how == row.how);
    CHECK(ended->why == row.told);
    CHECK(ended->user == "ewc");
  }
}

TEST_CASE("a text that is cut within its lists is not a mismatch") {
  const std::string whole =
      "kex error : no match for method kex algos: server [curve25519-sha256], client [ssh-x]";
  const auto is_mismatch = [](const std::string& why) {
    return std::holds_alternative<event::SshMismatched>(
        ending({9, "", "192.0.2.7", 40000, "SSH-2.0-x"}, why, {}));
  };
  CHECK(is_mismatch(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(is_mismatch(whole.substr(0, size)));
  CHECK_FALSE(is_mismatch("Public key from client (ssh-rsa) doesn't match"));
  CHECK_FALSE(is_mismatch("Public key from client (ssh-rsa) doesn't match server preference (a,b"));
}

TEST_CASE("legacy helps wherever in the client's list the algorithm stands, and by its whole name") {
  const auto helps = [](const std::string& theirs) {
    const auto end =
        ending({9, "", "192.0.2.7", 40000, "SSH-2.0-x"},
               "kex error : no match for method mac algo client->server: server [hmac-sha2-256], client [" +
                   theirs + "]",
               {});
    return std::get<event::SshMismatched>(end).legacy_helps;
  };
  for (const auto* theirs : {"hmac-sha1", "hmac-sha1,a", "a,hmac-sha1", "a,hmac-sha1,b", ",,hmac-sha1"})
    CHECK(helps(theirs));
  for (const auto* theirs : {"", ",", "hmac-sha1-96", "xhmac-sha1", "hmac-md5", "HMAC-SHA1", "hmac-sha1 "})
    CHECK_FALSE(helps(theirs));
}
