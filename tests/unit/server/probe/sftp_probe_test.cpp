#include "server/probe/sftp_probe.hpp"

#include <doctest/doctest.h>
#include <libssh/sftp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "server/accounts/ssh_handles.hpp"
#include "tests/support/environment_variable.hpp"
#include "tests/support/tar_writer.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/server/probe/tcp_script.hpp"

using namespace server::probe;
using namespace std::chrono_literals;
using server::tcp;
using test::TcpScript;
namespace net = server::net;
namespace ssh = server::ssh;

namespace {

const auto image = test::ap_image("flash");

// How a server behaves.
struct Served {
  std::string content = image;
  std::string password = "geheim";
  unsigned methods = SSH_AUTH_METHOD_PASSWORD;
  const char* key_exchange = nullptr;
  bool sftp = true, directory = false;
  std::uint32_t open_status = SSH_FX_OK;
  const char* open_text = "";
  std::uint64_t announced = image.size(), broken_at = 1 << 30;
};

// An SSH server with one file. What its clients say is read after stop().
class SshScript {
 public:
  explicit SshScript(Served served) : served_(std::move(served)), bind_(ssh_bind_new()) {
    ssh_key key = nullptr;
    REQUIRE(ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) == SSH_OK);
    fingerprint_ = ssh::fingerprint(key);
    line_ = "ssh-ed25519 " + ssh::base64(key);
    const bool no = false;
    ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
    if (served_.key_exchange)
      ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_KEY_EXCHANGE, served_.key_exchange);
    ssh_bind_options_set(bind_.get(), SSH_BIND_OPTIONS_IMPORT_KEY, key);  // it is bind's now
    script_ = std::make_unique<TcpScript>([this](tcp::socket& connection) { serve(connection); });
  }

  std::uint16_t port() const { return script_->port(); }
  void stop() { script_->stop(); }
  const std::string& fingerprint() const { return fingerprint_; }  // "SHA256:..."
  const std::string& line() const { return line_; }                // of known_hosts, without the host
  const std::vector<std::string>& logins() const { return logins_; }

 private:
  static int on_password(ssh_session, const char* user, const char* password, void* self) {
    auto& script = *static_cast<SshScript*>(self);
    script.logins_.push_back(std::string(user) + "/" + password);
    return password == script.served_.password ? SSH_AUTH_SUCCESS : SSH_AUTH_DENIED;
  }
  static ssh_channel on_channel(ssh_session session, void* self) {
    auto& script = *static_cast<SshScript*>(self);
    script.channel_ = ssh_channel_new(session);
    ssh_set_channel_callbacks(script.channel_, &script.of_channel_);
    return script.channel_;
  }
  static int on_subsystem(ssh_session, ssh_channel, const char*, void* self) {
    auto& script = *static_cast<SshScript*>(self);
    script.begun_ = script.served_.sftp;
    script.refused_ = !script.served_.sftp;
    return script.refused_ ? 1 : 0;
  }

  void serve(tcp::socket& connection) {
    const ssh::Session session(ssh_new());
    connection.native_non_blocking(false);
    const int handle = ::dup(connection.native_handle());
    connection.close();
    if (ssh_bind_accept_fd(bind_.get(), session.get(), handle) != SSH_OK) return;
    channel_ = nullptr;
    begun_ = refused_ = false;
    of_session_ = {};
    of_session_.userdata = this;
    of_session_.auth_password_function = on_password;
    of_session_.channel_open_request_session_function = on_channel;
    ssh_callbacks_init(&of_session_);
    of_channel_ = {};
    of_channel_.userdata = this;
    of_channel_.channel_subsystem_request_function = on_subsystem;
    ssh_callbacks_init(&of_channel_);
    ssh_set_server_callbacks(session.get(), &of_session_);
    ssh_set_auth_methods(session.get(), static_cast<int>(served_.methods));
    if (ssh_handle_key_exchange(session.get()) == SSH_OK && await_sftp(session.get())) talk(session.get());
    ssh_disconnect(session.get());
  }

  bool await_sftp(ssh_session session) {
    const ssh::Event event(ssh_event_new());
    ssh_event_add_session(event.get(), session);
    // Who was refused SFTP has the answer after a moment, and says nothing more.
    while (!begun_ && ssh_is_connected(session) &&
           ssh_event_dopoll(event.get(), refused_ ? 20 : 10'000) == SSH_OK)
      continue;
    ssh_event_remove_session(event.get(), session);
    return begun_;
  }

  void talk(ssh_session session) {
    const std::unique_ptr<sftp_session_struct, ssh::Deleter<sftp_server_free>> sftp(
        sftp_server_new(session, channel_));
    if (!sftp || sftp_server_init(sftp.get()) != 0) return;
    for (;;) {
      const std::unique_ptr<sftp_client_message_struct, ssh::Deleter<sftp_client_message_free>> message(
          sftp_get_client_message(sftp.get()));
      if (!message || !answer(message.get())) return;
    }
  }

  // False: the server dies.
  bool answer(sftp_client_message message) {
    switch (message->type) {
      case SSH_FXP_OPEN: {
        if (served_.open_status != SSH_FX_OK)
          return sftp_reply_status(message, served_.open_status, served_.open_text) == 0;
        ssh_string handle = ssh_string_from_char("handle");
        const bool done = sftp_reply_handle(message, handle) == 0;
        ssh_string_free(handle);
        return done;
      }
      case SSH_FXP_FSTAT: {
        sftp_attributes_struct attributes{};
        attributes.flags = SSH_FILEXFER_ATTR_SIZE | SSH_FILEXFER_ATTR_PERMISSIONS;
        attributes.size = served_.announced;
        attributes.permissions = served_.directory ? S_IFDIR | 0755 : S_IFREG | 0644;
        return sftp_reply_attr(message, &attributes) == 0;
      }
      case SSH_FXP_READ: {
        if (message->offset >= served_.broken_at) return false;
        const auto at = static_cast<std::size_t>(message->offset);
        if (at >= served_.content.size()) return sftp_reply_status(message, SSH_FX_EOF, "") == 0;
        const auto piece = served_.content.substr(at, message->len);
        return sftp_reply_data(message, piece.data(), static_cast<int>(piece.size())) == 0;
      }
      default:
        return sftp_reply_status(message, SSH_FX_OK, "") == 0;
    }
  }

  const Served served_;
  ssh::Bind bind_;
  std::string fingerprint_, line_;
  std::vector<std::string> logins_;
  ssh_server_callbacks_struct of_session_{};
  ssh_channel_callbacks_struct of_channel_{};
  ssh_channel channel_ = nullptr;
  bool begun_ = false, refused_ = false;
  std::unique_ptr<TcpScript> script_;  // the last one: its thread uses all others
};

// A client whose known_hosts is its own.
struct Client {
  test::TempDir home;
  test::EnvironmentVariable variable{"HOME", home.path().c_str()};
  Report report;
  std::vector<std::string> shown;  // the host keys with which a password was asked for
  std::uint64_t progress = 0;

  void probe(std::uint16_t port, const std::string& host_key = {}, std::chrono::milliseconds patience = 60s,
             const std::string& password = "geheim", const std::string& path = "/EWC/ap1g8") {
    SftpManner manner;
    manner.host_key = host_key;
    manner.patience = patience;
    manner.password = [&](const std::string& fingerprint) {
      shown.push_back(fingerprint);
      return server::Secret(password);
    };
    probe_sftp(
        {Target::Scheme::sftp, "ewc", "127.0.0.1", port, path}, manner, {},
        [&](std::uint64_t done, auto) { progress = done; }, report);
  }
};

// What a probe says of a server that behaves like that.
Report report_on(Served served) {
  SshScript server(std::move(served));
  Client client;
  client.probe(server.port());
  return client.report;
}

Report report_on_tcp(const TcpScript::Serve& serve, std::chrono::milliseconds patience = 60s) {
  TcpScript server(serve);
  Client client;
  client.probe(server.port(), {}, patience);
  CHECK(client.shown.empty());
  return client.report;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a controller gets the image, and the host key is shown before the password is given") {
  SshScript server({});
  Client client;
  client.probe(server.port());
  server.stop();
  const auto& report = client.report;
  CHECK_FALSE(report.cause);
  CHECK(report.over_tcp);
  CHECK(report.bytes == image.size());
  CHECK(report.announced == image.size());
  CHECK(client.progress == image.size());
  CHECK(report.content == "AP image (tar), complete");
  CHECK(report.fingerprint == "ssh-ed25519 " + server.fingerprint());
  CHECK(client.shown == std::vector{report.fingerprint});
  CHECK(server.logins() == std::vector<std::string>{"ewc/geheim"});
  REQUIRE(report.notes.size() == 1);
  CHECK(has(report.notes.front(), "the host key is not known here"));
  CHECK(std::filesystem::is_empty(client.home.path()));  // nothing was noted as known
}

TEST_CASE("no password goes to a server whose host key is not the one that was named") {
  SshScript server({});
  const auto right = server.fingerprint();
  for (const auto& named : {"SHA256:" + std::string(43, 'A'), right.substr(0, right.size() - 1), right + "A",
                            right.substr(7), std::string("SHA256:"), right.substr(right.size() - 1)}) {
    CAPTURE(named);
    Client client;
    client.probe(server.port(), named);
    CHECK(client.report.cause == Cause::host_key);
    CHECK(client.report.what == "the server's host key is ssh-ed25519 " + right + ", and --host-key says " +
                                    named + "; no password was sent");
    CHECK(client.shown.empty());
    CHECK(client.report.bytes == 0);
  }
  Client client;
  client.probe(server.port(), right);
  server.stop();
  CHECK_FALSE(client.report.cause);
  CHECK(client.report.notes.empty());
  CHECK(server.logins().size() == 1);
}

TEST_CASE("known_hosts counts where no host key is named, and is never written") {
  SshScript server({}), other({});
  const auto host = "[127.0.0.1]:" + std::to_string(server.port()) + " ";
  Client same;
  same.home.write(".ssh/known_hosts", host + server.line() + "\n");
  same.probe(server.port());
  CHECK_FALSE(same.report.cause);
  CHECK(same.report.notes == std::vector<std::string>{"the host key is the one in known_hosts"});
  Client changed;
  const auto file = changed.home.write(".ssh/known_hosts", host + other.line() + "\n");
  changed.probe(server.port());
  CHECK(changed.report.cause == Cause::host_key);
  CHECK(has(changed.report.what, "known_hosts has another one; no password was sent"));
  CHECK(changed.shown.empty());
  std::ifstream in(file);
  std::string line, more;
  std::getline(in, line);
  CHECK(line == host + other.line());
  CHECK_FALSE(std::getline(in, more));
  Client named;  // then known_hosts is not asked
  named.home.write(".ssh/known_hosts", host + other.line() + "\n");
  named.probe(server.port(), server.fingerprint());
  CHECK_FALSE(named.report.cause);
  server.stop();
  CHECK(server.logins().size() == 2);
}

TEST_CASE("a login that is refused says for whom, and what else the server takes") {
  SshScript server({});
  Client client;
  client.probe(server.port(), {}, 60s, "wrong");
  server.stop();
  CHECK(client.report.cause == Cause::login);
  CHECK(client.report.what == "the server refused the user ewc; methods that are left: password");
  CHECK(server.logins() == std::vector<std::string>{"ewc/wrong"});
}

TEST_CASE("a server that takes no password is not given one") {
  Served served;
  served.methods = SSH_AUTH_METHOD_PUBLICKEY | SSH_AUTH_METHOD_GSSAPI_MIC;
  SshScript server(served);
  Client client;
  client.probe(server.port());
  CHECK(client.report.cause == Cause::login);
  CHECK(client.report.what == "the server takes no password; what it takes: publickey, gssapi-with-mic");
  CHECK(client.shown.empty());
}

TEST_CASE("a server without SFTP is told from one without the file") {
  Served served;
  served.sftp = false;
  const auto report = report_on(served);
  CHECK(report.cause == Cause::no_sftp);
  CHECK(has(report.what, "when SFTP was asked for"));
}

TEST_CASE("a file that cannot be opened has its cause from the server's words, or from its code") {
  struct Case {
    std::uint32_t status;
    const char* text;
    Cause cause;
  };
  for (const auto& each :
       {Case{SSH_FX_NO_SUCH_FILE, "", Cause::not_found}, Case{SSH_FX_NO_SUCH_PATH, "x", Cause::not_found},
        Case{SSH_FX_PERMISSION_DENIED, "x", Cause::access}, Case{SSH_FX_FAILURE, "x", Cause::error},
        Case{SSH_FX_FAILURE, "/EWC is a directory", Cause::is_folder},
        Case{SSH_FX_NO_SUCH_FILE, "/EWC is a directory", Cause::is_folder}}) {
    CAPTURE(each.status);
    CAPTURE(each.text);
    Served served;
    served.open_status = each.status;
    served.open_text = each.text;
    const auto report = report_on(served);
    CHECK(report.cause == each.cause);
    CHECK(report.what.starts_with("opening the file failed: "));
    CHECK(has(report.what, each.text));
  }
}

TEST_CASE("a directory that can be opened is a folder, and is not read") {
  Served served;
  served.directory = true;
  const auto report = report_on(served);
  CHECK(report.cause == Cause::is_folder);
  CHECK(report.what == "/EWC/ap1g8 is a directory");
  CHECK(report.bytes == 0);
}

TEST_CASE("what the file is tells more than that it came") {
  const auto cause_of = [](std::string content, std::uint64_t announced) {
    Served served;
    served.content = std::move(content);
    served.announced = announced;
    return report_on(served).cause;
  };
  CHECK(cause_of("", 0) == Cause::empty);
  CHECK(cause_of(image.substr(0, 5000), image.size()) == Cause::too_short);
  CHECK(cause_of("<html>log in</html>", 19) == Cause::not_an_image);
}

TEST_CASE("a server that dies half way has stalled, after the bytes that came") {
  Served served;
  served.content = std::string(200'000, 'x');
  served.announced = served.content.size();
  served.broken_at = 100'000;
  const auto report = report_on(served);
  CHECK(report.cause == Cause::stalled);
  CHECK(report.bytes >= 100'000);
  CHECK(report.what.starts_with("it broke off after " + std::to_string(report.bytes) + " bytes: "));
  CHECK(report.sha256.empty());
}

TEST_CASE("algorithms that do not meet are named, and no password is asked for") {
  Served served;
  served.key_exchange = "diffie-hellman-group1-sha1";
  SshScript server(served);
  Client client;
  client.probe(server.port());
  CHECK(client.report.cause == Cause::algorithms);
  CHECK(client.report.what.starts_with("it broke off in the key exchange: no match for method"));
  CHECK(has(client.report.what, "diffie-hellman-group1-sha1"));
  CHECK(client.shown.empty());
}

TEST_CASE("what is not SSH, or leaves at once, is an error before the key exchange") {
  const auto page = report_on_tcp([](tcp::socket& connection) {
    test::say(connection, "HTTP/1.0 400 Bad Request\r\n\r\n<html></html>\r\n");
    connection.close();
  });
  CHECK(page.cause == Cause::error);
  CHECK(page.what.starts_with("it broke off before or in the key exchange: "));
  CHECK(report_on_tcp([](tcp::socket& connection) { connection.close(); }).cause == Cause::error);
}

TEST_CASE("a server that says nothing has stalled once patience ends") {
  const auto report = report_on_tcp([](tcp::socket&) {}, 50ms);
  CHECK(report.cause == Cause::stalled);
  CHECK(report.what == "nothing came for 0 s before or in the key exchange");
  CHECK_FALSE(report.answered_after);
}

TEST_CASE("a port where nobody listens is refused over TCP") {
  net::io_context loop;
  const auto port =
      tcp::acceptor(loop, tcp::endpoint(net::ip::address_v4::loopback(), 0)).local_endpoint().port();
  Client client;
  client.probe(port);
  CHECK(client.report.cause == Cause::refused);
  CHECK(client.report.over_tcp);
}

TEST_CASE("a connection that libssh never took is closed all the same") {
  const auto open_descriptors = [] {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
  };
  Client client;
  // libssh replaces %h and the like in a path, and refuses what it does not know.
  const test::EnvironmentVariable home("HOME", (client.home.path() / "%z").c_str());
  const auto probe = [&client] {
    TcpScript server([](tcp::socket&) {});
    client.probe(server.port());
    CHECK(client.report.cause == Cause::error);
  };
  probe();  // what libraries open once
  const auto before = open_descriptors();
  probe();
  CHECK(open_descriptors() == before);
}
