#include "conf/authorized_key.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using conf::AuthorizedKey;
using conf::KeyFault;
using conf::parse_authorized_key;

namespace {

const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKhUkl8W5nicXxcNpK/sTqp2KmJYkjQHxndXEXhX1L1C";

conf::Address address(std::string_view text) {
  return text.find(':') == text.npos ? conf::parse_ipv4(text).value() : conf::parse_ipv6(text).value();
}

bool admits(const std::string& from, std::string_view client) {
  return parse_authorized_key("from=\"" + from + "\" " + key).value().admits(address(client));
}

KeyFault fault(const std::string& options) {
  const auto parsed = parse_authorized_key(options + " " + key + " comment");
  REQUIRE_FALSE(parsed);
  return parsed.error();
}

}  // namespace

TEST_CASE("a key without options opens from everywhere") {
  for (const auto& line : {key, key + " a comment, from=\"nowhere\"", "restrict " + key, "ReSTRICT " + key}) {
    CAPTURE(line);
    const auto parsed = parse_authorized_key(line);
    REQUIRE(parsed);
    CHECK(parsed->type + " " + parsed->base64 == key);
    CHECK(parsed->from.empty());
    CHECK(parsed->admits(address("192.0.2.7")));
    CHECK(parsed->admits(address("2001:db8::7")));
  }
}

TEST_CASE("from= is a list of addresses, networks and patterns, as sshd reads it") {
  CHECK(admits("192.0.2.7", "192.0.2.7"));
  CHECK_FALSE(admits("192.0.2.7", "192.0.2.70"));
  CHECK(admits("10.0.0.0/8,192.0.2.0/24", "192.0.2.7"));
  CHECK_FALSE(admits("10.0.0.0/8,192.0.2.0/24", "192.0.3.7"));
  CHECK(admits("192.0.2.*", "192.0.2.7"));
  CHECK_FALSE(admits("192.0.2.*", "192.0.20.7"));
  CHECK(admits("192.0.2.?", "192.0.2.7"));
  CHECK_FALSE(admits("192.0.2.?", "192.0.2.17"));
  CHECK(admits("*.2.7", "192.0.2.7"));
  CHECK(admits("2001:db8::/32", "2001:db8::7"));
  CHECK(admits("2001:DB8::7", "2001:db8::7"));
  CHECK(admits("2001:DB8::*", "2001:db8::7"));
  CHECK_FALSE(admits("2001:db8::/32", "192.0.2.7"));
  CHECK(admits("*", "192.0.2.7"));
  CHECK(admits("*", "2001:db8::7"));
}

TEST_CASE("what ! stands before keeps out wherever it stands, and lets nobody in") {
  CHECK(admits("192.0.2.0/24,!192.0.2.7", "192.0.2.8"));
  CHECK_FALSE(admits("192.0.2.0/24,!192.0.2.7", "192.0.2.7"));
  CHECK_FALSE(admits("!192.0.2.7,192.0.2.0/24", "192.0.2.7"));
  CHECK_FALSE(admits("*,!192.0.2.*", "192.0.2.7"));
  CHECK_FALSE(admits("!192.0.2.7", "192.0.2.8"));
}

TEST_CASE("options stand together, in any order") {
  const auto parsed = parse_authorized_key("restrict,From=\"192.0.2.0/24\" " + key);
  REQUIRE(parsed);
  CHECK(parsed->from == "192.0.2.0/24");
  CHECK(parse_authorized_key("from=\"192.0.2.0/24\",restrict " + key));
}

TEST_CASE("an option that is not honoured is a fault, named if it is one of sshd's") {
  CHECK(fault("command=\"echo \\\"a b\\\" c\"").option == "command");
  CHECK(fault("restrict,Command=\"x\"").option == "command");
  CHECK(fault("permitopen=\"x\"").option == "permitopen");
  CHECK(fault("command=\"internal-sftp -R\"").option == "command");
  CHECK(fault("from=\"192.0.2.7\",expiry-time=\"20300101\"").option == "expiry-time");
  for (const std::string options : {"hunter2", "hunter2=\"x\"", "restrict=\"yes\"", "restrict,", ",restrict",
                                    "from", "restrict;from=\"*\"", "restrict\"\""}) {
    CAPTURE(options);
    CHECK(fault(options).what == KeyFault::What::unknown_option);
    CHECK((fault(options).option.empty() || options == "from"));
  }
}

TEST_CASE("a from= that would not mean what it says is a fault") {
  for (const std::string options :
       {"from=", "from=192.0.2.7", "from=\"\"", "from=\"192.0.2.7,\"", "from=\"10.1.2.3/8\"",
        "from=\"10.0.0.0/33\"", "from=\"host.example.com\"", "from=\"*.example.com\"",
        "from=\"192.0.2.7\",from=\"192.0.2.8\"", "from=\"!\"", "from=\"192.0.2.7 \""}) {
    CAPTURE(options);
    CHECK(fault(options).what == KeyFault::What::bad_from);
  }
}

TEST_CASE("what holds no key is no key") {
  for (const auto& line : std::vector<std::string>{"", " ", "restrict", "restrict ", "from=\"192.0.2.7", "\"",
                                                   "restrict " + key.substr(12), key + "\n" + key,
                                                   "restrict  " + key, key.substr(0, 42)}) {
    CAPTURE(line);
    const auto parsed = parse_authorized_key(line);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().what == KeyFault::What::no_key);
  }
}

TEST_CASE("a pattern of many stars costs little") {
  std::string stars;
  for (int i = 0; i < 20'000; ++i) stars += "*1";
  CHECK_FALSE(admits(stars + "f:", "192.0.2.7"));
}

TEST_CASE("what nobody may here anyway may be forbidden") {
  for (const std::string options :
       {"no-pty", "no-port-forwarding", "no-X11-forwarding", "no-agent-forwarding", "no-user-rc",
        "command=\"internal-sftp\"", "no-pty,command=\"internal-sftp\",restrict,from=\"192.0.2.7\""}) {
    CAPTURE(options);
    CHECK(parse_authorized_key(options + " " + key));
  }
}

TEST_CASE("a key that is cut anywhere is no key, also where its base64 is still whole") {
  for (std::size_t size = key.size() - 4; size > 12; size -= 4) {
    CAPTURE(size);
    CHECK_FALSE(parse_authorized_key(key.substr(0, size)));
  }
  const std::string rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ";  // a modulus of 257 bytes is announced
  CHECK_FALSE(parse_authorized_key(rsa + "AA"));
  std::string zeros = rsa + "Ax";  // and there it is: 256 bytes behind "A"
  while (zeros.size() < std::string("ssh-rsa ").size() + 372) zeros += 'A';
  CHECK(parse_authorized_key(zeros));
  CHECK_FALSE(parse_authorized_key(zeros.substr(0, zeros.size() - 4)));
  CHECK_FALSE(parse_authorized_key(zeros + "AAAA"));
}
