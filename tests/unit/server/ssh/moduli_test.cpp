#include "server/ssh/moduli.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "storage/depot/depot.hpp"
#include "tests/support/host.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/ssh/ssh_house.hpp"

using namespace server;
using test::SshFields;
using test::SshHouse;
using test::SshVisitor;

namespace {

struct Group {
  std::string time, kind, tests, trials, bits_less_one, generator, prime;
};

std::vector<Group> groups_in(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::vector<Group> groups;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    Group group;
    words >> group.time >> group.kind >> group.tests >> group.trials >> group.bits_less_one >>
        group.generator >> group.prime;
    CHECK_FALSE(words.fail());
    std::string more;
    words >> more;
    CHECK(more.empty());
    groups.push_back(group);
  }
  return groups;
}

constexpr std::uint8_t group_request = 34, group_answer = 31;  // RFC 4419 5

// The payloads of the packets in what a server sent before there were keys.
std::vector<std::string> payloads(const std::string& received) {
  std::vector<std::string> all;
  auto place = received.find("\r\n");
  if (place == received.npos) return all;
  for (place += 2; received.size() - place >= 4;) {
    const auto size = fuzz::u32_at(received, place);
    if (received.size() - place - 4 < size) break;
    const auto padding = static_cast<std::uint8_t>(received[place + 4]);
    all.push_back(received.substr(place + 5, size - 1 - padding));
    place += 4 + size;
  }
  return all;
}

// How many bits the prime has that a client is given.
std::size_t bits_given(std::uint32_t least, std::uint32_t wanted, std::uint32_t most) {
  SshHouse house(
      [](conf::Settings& settings) { settings.ssh.kex = {"diffie-hellman-group-exchange-sha256"}; });
  SshVisitor client(house);
  client.ssh.begin();
  client.ssh.garbled();  // this test reads the bytes itself
  SshFields offer(test::packet::kexinit);
  offer.raw(std::string(16, 'c'));
  for (const auto* name : {"diffie-hellman-group-exchange-sha256", "ssh-ed25519", "aes256-ctr", "aes256-ctr",
                           "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""})
    offer.string(name);
  client.send(offer.byte(0).u32(0));
  client.send(SshFields(group_request).u32(least).u32(wanted).u32(most));
  const auto answer = [&] {
    for (const auto& payload : payloads(client.received))
      if (test::kind_of(payload) == group_answer) return payload;
    return std::string();
  };
  house.until([&] { return !answer().empty(); });
  std::size_t place = 1;
  const auto prime = fuzz::string_at(answer(), place);
  CHECK(fuzz::string_at(answer(), place) == "\2");
  CHECK(prime.starts_with(std::string("\0\xff\xff\xff\xff\xff\xff\xff\xff", 9)));
  return 8 * (prime.size() - 1);
}

}  // namespace

TEST_CASE("the groups are those of RFC 3526 with 2048 and 3072 bits, as moduli(5) wants them") {
  const test::TempDir dir;
  const storage::Depot depot(dir.path());
  write_moduli(depot);
  const auto groups = groups_in(moduli_file(depot));
  REQUIRE(groups.size() == 2);
  std::vector<std::string> sizes;
  for (const auto& group : groups) {
    CHECK(group.time.size() == 14);
    CHECK(group.kind == "2");   // safe
    CHECK(group.tests == "6");  // sieve, Miller-Rabin
    CHECK(group.generator == "2");
    CHECK(group.prime.starts_with("FFFFFFFFFFFFFFFFC90FDAA22168C234"));
    CHECK(group.prime.ends_with("FFFFFFFFFFFFFFFF"));
    CHECK(4 * group.prime.size() == std::stoul(group.bits_less_one) + 1);
    sizes.push_back(group.bits_less_one);
  }
  CHECK(sizes == std::vector<std::string>{"2047", "3071"});
  CHECK(groups[0].prime.substr(480) == "15728E5A8AACAA68FFFFFFFFFFFFFFFF");
  CHECK(groups[1].prime.substr(736) == "4B82D120A93AD2CAFFFFFFFFFFFFFFFF");
}

TEST_CASE("the file of groups is its owner's, and each start puts it right again") {
  const test::TempDir dir;
  const storage::Depot depot(dir.path());
  dir.write("state/moduli", "20030501000000 2 6 100 8191 2 F\n");
  test::set_mode(moduli_file(depot), 0666);
  write_moduli(depot);
  CHECK(test::mode_of(moduli_file(depot)).value_or(0600) == 0600);
  CHECK(groups_in(moduli_file(depot)).size() == 2);
}

TEST_CASE("a client is given a group within its bounds that does not hold up the loop") {
  struct Row {
    std::uint32_t least, wanted, most;
    std::size_t given;
  };
  for (const auto& row :
       {Row{2048, 2048, 8192, 2048}, Row{1024, 2048, 2048, 2048}, Row{2048, 3072, 8192, 3072},
        Row{1024, 8192, 8192, 3072}, Row{3072, 4096, 8192, 3072}}) {
    CAPTURE(row.least);
    CAPTURE(row.wanted);
    CAPTURE(row.most);
    CHECK(bits_given(row.least, row.wanted, row.most) == row.given);
  }
}
