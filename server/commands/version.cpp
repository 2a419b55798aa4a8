#include <archive.h>
#include <fmt/format.h>
#include <libssh/libssh.h>
#include <openssl/crypto.h>

#include <boost/version.hpp>
#include <cstdio>

#include "server/commands/command.hpp"
#include "server/text/json.hpp"
#include "storage/history/database.hpp"

namespace server {
namespace {

constexpr Flag flags[]{{"--json", "", "print JSON"}};

int run(Arguments& arguments) {
  arguments.expect_no_more();
  const auto boost =
      fmt::format("{}.{}.{}", BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100);
  const auto fmt_version =
      fmt::format("{}.{}.{}", FMT_VERSION / 10'000, FMT_VERSION / 100 % 100, FMT_VERSION % 100);
  const std::pair<std::string_view, std::string> parts[]{{"apdepot", APDEPOT_VERSION},
                                                         {"boost", boost},
                                                         {"libssh", ssh_version(0)},
                                                         {"openssl", OpenSSL_version(OPENSSL_VERSION_STRING)},
                                                         {"libarchive", archive_version_string()},
                                                         {"sqlite", storage::sqlite_version()},
                                                         {"fmt", fmt_version}};
  if (arguments.has("--json")) {
    JsonObject object;
    for (const auto& [name, version] : parts) object.add(name, version);
    fmt::print("{}\n", object.text());
  } else {
    for (const auto& [name, version] : parts) fmt::print("{} {}\n", name, version);
  }
  return 0;
}

}  // namespace

const Command version_command{"version", "", "prints the version, and those of what it is built on", flags,
                              run};

}  // namespace server
