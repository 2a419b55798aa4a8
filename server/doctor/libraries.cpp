#include "server/doctor/libraries.hpp"

#include <archive.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libssh/libssh.h>
#include <openssl/crypto.h>

#include <array>
#include <charconv>

#include "server/doctor/check.hpp"
#include "server/os/host_text.hpp"
#include "server/text/escape.hpp"
#include "storage/history/database.hpp"

namespace server::doctor {
namespace {

using Numbers = std::array<unsigned, 3>;

struct KnownBad {
  std::string_view library;
  Numbers from, until;  // the first good one
  std::string_view fault, package;
};

// Faults that a server of files runs into. Each range leaves out what a supported Debian or Ubuntu ships:
// 0.9.6 of libssh and 3.0.2 of OpenSSL are those of Ubuntu 22.04, corrected there. Sources: libssh's
// CHANGELOG of 0.10.6 and 0.11.2, OpenSSL's NEWS.md of 3.0.5.
constexpr std::array table{
    KnownBad{"libssh",
             {0, 10, 0},
             {0, 10, 6},
             "somebody on the way can cut off the first packets of a connection unseen (CVE-2023-48795)",
             "libssh-4"},
    KnownBad{"libssh",
             {0, 11, 0},
             {0, 11, 2},
             "it takes a failed derivation of keys, and a failed chacha20-poly1305, for good (CVE-2025-5372, "
             "CVE-2025-5987)",
             "libssh-4"},
    KnownBad{"openssl",
             {3, 0, 4},
             {3, 0, 5},
             "it corrupts its memory when it uses a private RSA key (CVE-2022-2274)",
             "libssl3"}};

// "0.10.6/openssl/zlib", "libarchive 3.6.2": the first three numbers.
Numbers numbers_in(std::string_view text) {
  Numbers numbers{};
  text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
  for (auto& number : numbers) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) break;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.starts_with('.')) break;
    text.remove_prefix(1);
  }
  return numbers;
}

Result run(const Sight&) { return judge_libraries(libraries()); }

}  // namespace

std::vector<Library> libraries() {
  return {{"libssh", ssh_version(0)},
          {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
          {"libarchive", archive_version_string()},
          {"sqlite", storage::sqlite_version()}};
}

Result judge_libraries(const std::vector<Library>& libraries) {
  Result result;
  std::vector<std::string> shown;
  for (const auto& [name, version] : libraries) {
    const auto numbers = numbers_in(version);
    shown.push_back(fmt::format("{} {}", name, fmt::join(numbers, ".")));
    for (const auto& bad : table)
      if (bad.library == name && numbers >= bad.from && numbers < bad.until)
        result.look(fmt::format("{} {} has a known fault: {}; {} is the first without it", name,
                                fmt::join(numbers, "."), bad.fault, fmt::join(bad.until, ".")),
                    fmt::format(fmt::runtime(host::upgrade), bad.package));
  }
  return std::move(result).or_ok(fmt::format("{}", fmt::join(shown, ", ")));
}

const Check libraries_check{"libraries", "libraries", nullptr, run};

}  // namespace server::doctor
