#include "conf/restart.hpp"

#include <doctest/doctest.h>

#include "conf/load.hpp"

namespace {

using Keys = std::vector<std::string>;

Keys waiting(const std::string& text) {
  return conf::keys_that_wait(conf::load_defaults().settings, conf::load_text(text, "x").settings);
}

}  // namespace

TEST_CASE("a reload names the keys that wait for a restart") {
  CHECK(waiting("depot: /srv") == Keys{"depot"});
  CHECK(waiting("user: tftp") == Keys{"user"});
  CHECK(waiting("tftp: {single_port: true}") == Keys{"tftp.single_port"});
  CHECK(waiting("ssh: {compatibility: legacy, kex: [ecdh-sha2-nistp256]}") ==
        Keys{"ssh.compatibility", "ssh.kex"});
  CHECK(waiting("import: {watch: false, settle: 1}") == Keys{"import.watch", "import.settle"});
  CHECK(waiting("log: {format: json, target: stderr, max_size: 1MiB}") ==
        Keys{"log.format", "log.target", "log.max_size"});
  CHECK(waiting("history: {days: 0, size: 1MiB}") == Keys{"history.days", "history.size"});
  CHECK(waiting("log: {target: 'file:/a'}") == Keys{"log.target"});
}

TEST_CASE("a key that takes effect at once is not named") {
  for (const std::string text : {"",
                                 "tftp: {listen: ['0.0.0.0:6969']}",
                                 "tftp: {uploads: true}",
                                 "tftp: {read_uploads: true}",
                                 "uploads: {max_files: 1}",
                                 "tftp: {max_upload: 1GiB}",
                                 "tftp: {max_block_size: 512}",
                                 "tftp: {max_window: 1}",
                                 "tftp: {port_range: 5000-5001}",
                                 "tftp: {max_transfers: 1}",
                                 "tftp: {max_transfers_per_address: 1}",
                                 "tftp: {max_requests_per_second: 1}",
                                 "tftp: {allow: [10.0.0.0/8]}",
                                 "tftp: {deny: [10.0.0.0/8]}",
                                 "ssh: {listen: ['0.0.0.0:2222']}",
                                 "ssh: {login_grace: 5}",
                                 "ssh: {trusted: [10.0.0.0/8]}",
                                 "ssh: {users_file: /a}",
                                 "lookup: {forgiving: false}",
                                 "lookup: {aliases: {/a: /b}}",
                                 "log: {level: quiet}",
                                 "expected: [10.0.0.0/8]",
                                 "drain: 1"}) {
    CAPTURE(text);
    CHECK(waiting(text).empty());
  }
}
