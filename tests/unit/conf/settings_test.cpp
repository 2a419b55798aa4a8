#include "conf/settings.hpp"

#include <doctest/doctest.h>

#include "conf/load.hpp"

namespace {

bool restarts(const std::string& text) {
  return conf::needs_restart(conf::load_defaults().settings, conf::load_text(text, "x").settings);
}

}  // namespace

TEST_CASE("what a running server took for good needs a restart") {
  for (const std::string text :
       {"depot: /srv", "tftp: {listen: ['0.0.0.0:6969']}", "tftp: {single_port: true}",
        "ssh: {listen: ['0.0.0.0:2222']}", "ssh: {compatibility: legacy}", "ssh: {kex: [ecdh-sha2-nistp256]}",
        "ssh: {macs: [hmac-sha2-256]}", "import: {watch: false}", "log: {format: json}",
        "log: {target: stderr}"}) {
    CAPTURE(text);
    CHECK(restarts(text));
  }
}

TEST_CASE("what is looked up request by request needs none") {
  for (const std::string text :
       {"", "tftp: {uploads: true}", "tftp: {read_uploads: true}", "uploads: {max_files: 1}",
        "tftp: {max_upload: 1GiB}", "tftp: {max_block_size: 512}", "tftp: {max_window: 1}",
        "tftp: {port_range: 5000-5001}", "tftp: {max_transfers: 1}", "tftp: {max_transfers_per_address: 1}",
        "tftp: {max_requests_per_second: 1}", "tftp: {allow: [10.0.0.0/8]}", "tftp: {deny: [10.0.0.0/8]}",
        "ssh: {login_grace: 5}", "ssh: {trusted: [10.0.0.0/8]}", "lookup: {forgiving: false}",
        "lookup: {aliases: {/a: /b}}", "log: {level: quiet}", "drain: 1"}) {
    CAPTURE(text);
    CHECK_FALSE(restarts(text));
  }
}
