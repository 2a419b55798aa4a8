#include "server/doctor/libraries.hpp"

#include <archive.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libssh/libssh.h>
#include <openssl/crypto.h>

#include <array>
#include <charconv>

#include "server/doctor/check.hpp"
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

constexpr std::array table{
    KnownBad{
        "libssh", {0, 0, 0}, {0, 10, 6}, "a connection can lose packets unseen (CVE-2023-48795)", "libssh-4"},
    KnownBad{"libssh",
             {0, 11, 0},
             {0, 11, 2},
             "it reads beyond its memory, and derives wrong keys (CVE-2025-5318, CVE-2025-5372)",
             "libssh-4"},
    KnownBad{
        "openssl", {3, 0, 0}, {3, 0, 7}, "a certificate overflows its memory (CVE-2022-3602)", "libssl3"},
    KnownBad{"libarchive",
             {0, 0, 0},
             {3, 6, 2},
             "it ends where memory is short (CVE-2022-36227)",
             "libarchive13"}};

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
        result.look(
            fmt::format("{} {} has a known fault: {}; {} is the first without it", name,
                        fmt::join(numbers, "."), bad.fault, fmt::join(bad.until, ".")),
            fmt::format("apt-get install --only-upgrade {} && systemctl restart apdepot", bad.package));
  }
  return std::move(result).or_ok(fmt::format("{}", fmt::join(shown, ", ")));
}

const Check libraries_check{"libraries", "libraries", nullptr, run};

}  // namespace server::doctor
