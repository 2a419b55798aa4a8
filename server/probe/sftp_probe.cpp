#include "server/probe/sftp_probe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/sftp.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "server/os/lent_socket.hpp"
#include "server/probe/connect.hpp"
#include "server/probe/watchdog.hpp"
#include "server/text/escape.hpp"
#include "storage/files/file.hpp"

namespace server::probe {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int read_only = 0;  // O_RDONLY
constexpr std::size_t portion = 32 << 10;
constexpr int most_questions = 5;  // of keyboard-interactive

template <auto release>
struct Released {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
void end_session(ssh_session session) {
  ssh_disconnect(session);
  ssh_free(session);
}
using Session = std::unique_ptr<ssh_session_struct, Released<end_session>>;
using Key = std::unique_ptr<ssh_key_struct, Released<ssh_key_free>>;
using Sftp = std::unique_ptr<sftp_session_struct, Released<sftp_free>>;
using SftpFile = std::unique_ptr<sftp_file_struct, Released<sftp_close>>;
using Attributes = std::unique_ptr<sftp_attributes_struct, Released<sftp_attributes_free>>;

// Closes a socket that libssh has not taken.
struct OwnSocket {
  SocketHandle handle = no_socket;
  OwnSocket() = default;
  OwnSocket(const OwnSocket&) = delete;
  OwnSocket& operator=(const OwnSocket&) = delete;
  ~OwnSocket() {
    if (handle != no_socket) close_socket(handle);
  }
};

// "ssh-ed25519 SHA256:...", as ssh-keygen -l prints it; empty where libssh has none.
std::string fingerprint_of(ssh_session session) {
  ssh_key raw = nullptr;
  if (ssh_get_server_publickey(session, &raw) != SSH_OK) return {};
  const Key key(raw);
  unsigned char* hash = nullptr;
  std::size_t size = 0;
  if (ssh_get_publickey_hash(key.get(), SSH_PUBLICKEY_HASH_SHA256, &hash, &size) != SSH_OK) return {};
  char* text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
  ssh_clean_pubkey_hash(&hash);
  if (!text) return {};
  const auto fingerprint = fmt::format("{} {}", ssh_key_type_to_char(ssh_key_type(key.get())), text);
  ssh_string_free_char(text);
  return fingerprint;
}

std::string names_of(int methods) {
  std::vector<std::string_view> names;
  constexpr std::array<std::pair<unsigned, std::string_view>, 4> known{
      {{SSH_AUTH_METHOD_PASSWORD, "password"},
       {SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive"},
       {SSH_AUTH_METHOD_PUBLICKEY, "publickey"},
       {SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic"}}};
  for (const auto& [method, name] : known)
    if ((static_cast<unsigned>(methods) & method) != 0) names.push_back(name);
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

// What libssh says while it lives of algorithms that do not meet: it tells both lists once, and then its
// error is that of the socket that it closed. One at a time in a process.
class Mismatch {
 public:
  Mismatch() {
    ssh_set_log_userdata(this);
    ssh_set_log_callback(hear);
    ssh_set_log_level(SSH_LOG_WARN);
  }
  Mismatch(const Mismatch&) = delete;
  Mismatch& operator=(const Mismatch&) = delete;
  ~Mismatch() {
    ssh_set_log_level(SSH_LOG_NONE);
    ssh_set_log_userdata(nullptr);
  }

  const std::string& text() const { return text_; }

 private:
  static void hear(int, const char*, const char* line, void* self) {
    const std::string_view heard = line;
    const auto begin = heard.find("no match for method");
    if (self && begin != heard.npos) static_cast<Mismatch*>(self)->text_ = heard.substr(begin);
  }

  std::string text_;
};

class Probe {
 public:
  Probe(const Target& target, const SftpManner& manner, const std::optional<Recorded>& recorded,
        const Progress& progress, Report& report)
      : target_(target), manner_(manner), recorded_(recorded), progress_(progress), report_(report) {
    report_.over_tcp = true;
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  // Closing waits for the server's answer: the watchdog is still there.
  ~Probe() {
    file_.reset();
    sftp_.reset();
    watchdog_.reset();
  }

  void run() {
    if (connect() && greet() && trust() && log_in() && open()) fetch();
  }

 private:
  bool fail(Cause cause, std::string what) {
    report_.cause = cause;
    report_.what = std::move(what);
    return false;
  }
  // What libssh says of the last call, or that nothing came.
  bool fail_in_session(Cause cause, std::string_view when) {
    if (watchdog_->has_bitten())
      return fail(Cause::stalled, fmt::format("nothing came for {:.0f} s {}", patience(), when));
    return fail(cause, fmt::format("it broke off {}: {}", when, escaped(ssh_get_error(session_.get()))));
  }
  double patience() const { return std::chrono::duration<double>(manner_.patience).count(); }

  bool connect() {
    net::io_context loop;
    tcp::socket socket(loop);
    if (!connect_to(target_, manner_.patience, loop, socket, report_)) return false;
    socket_.handle = release(std::move(socket));
    return prepare_session();
  }

  // libssh closes a socket that it has, which it tells by its first step, and no other.
  static void give_away(void* self, float) { static_cast<Probe*>(self)->socket_.handle = no_socket; }

  bool prepare_session() {
    ssh_init();
    session_.reset(ssh_new());
    if (!session_) throw std::bad_alloc();
    const auto handle = socket_.handle;
    const auto seconds =
        static_cast<long>(std::chrono::ceil<std::chrono::seconds>(2 * manner_.patience).count());
    const bool no_config = false;
    // Not the user's own settings: a device has none.
    ssh_options_set(session_.get(), SSH_OPTIONS_PROCESS_CONFIG, &no_config);
    ssh_options_set(session_.get(), SSH_OPTIONS_HOST, target_.host.c_str());
    const unsigned port = target_.port;
    ssh_options_set(session_.get(), SSH_OPTIONS_PORT, &port);
    ssh_options_set(session_.get(), SSH_OPTIONS_USER, target_.user.c_str());
    ssh_options_set(session_.get(), SSH_OPTIONS_TIMEOUT, &seconds);
    ssh_options_set(session_.get(), SSH_OPTIONS_FD, &handle);
    const char *home = std::getenv("HOME"), *profile = std::getenv("USERPROFILE");  // of Windows
    if (!home) home = profile;
    if (home)
      ssh_options_set(session_.get(), SSH_OPTIONS_KNOWNHOSTS,
                      fmt::format("{}/.ssh/known_hosts", home).c_str());
    callbacks_.userdata = this;
    callbacks_.connect_status_function = give_away;
    ssh_callbacks_init(&callbacks_);
    ssh_set_callbacks(session_.get(), &callbacks_);
    watchdog_.emplace(handle, manner_.patience);
    return true;
  }

  bool greet() {
    const Mismatch mismatch;
    if (ssh_connect(session_.get()) != SSH_OK) {
      if (mismatch.text().empty()) return fail_in_session(Cause::error, "before or in the key exchange");
      return fail(Cause::algorithms,
                  "it broke off in the key exchange: " + escaped(mismatch.text(), most_of_ours));
    }
    report_.answered_after = std::chrono::duration<double>(Clock::now() - began_).count();
    report_.fingerprint = fingerprint_of(session_.get());
    watchdog_->feed();
    return true;
  }

  bool trust() {
    const auto& shown = report_.fingerprint;
    if (!manner_.host_key.empty()) {
      if (shown.ends_with(" " + manner_.host_key)) return true;
      return fail(Cause::host_key,
                  fmt::format("the server's host key is {}, and --host-key says {}; no password was sent",
                              shown, escaped(manner_.host_key)));
    }
    switch (ssh_session_is_known_server(session_.get())) {
      case SSH_KNOWN_HOSTS_OK:
        report_.notes.push_back("the host key is the one in known_hosts");
        return true;
      case SSH_KNOWN_HOSTS_CHANGED:
      case SSH_KNOWN_HOSTS_OTHER:
        return fail(Cause::host_key,
                    fmt::format("the server's host key is {}, and known_hosts has another one; no "
                                "password was sent",
                                shown));
      default:
        report_.notes.push_back(
            "the host key is not known here, and stays so: compare it with what the server's "
            "`ssh-keygen -lf` prints");
        return true;
    }
  }

  bool log_in() {
    auto* session = session_.get();
    int done = ssh_userauth_none(session, nullptr);
    if (done == SSH_AUTH_SUCCESS) return true;
    if (done == SSH_AUTH_ERROR) return fail_in_session(Cause::error, "before the login");
    const int methods = ssh_userauth_list(session, nullptr);
    const bool by_password = (methods & SSH_AUTH_METHOD_PASSWORD) != 0,
               by_questions = (methods & SSH_AUTH_METHOD_INTERACTIVE) != 0;
    if (!by_password && !by_questions)
      return fail(Cause::login, "the server takes no password; what it takes: " + names_of(methods));
    watchdog_->sleep();
    const auto password = manner_.password(report_.fingerprint);
    watchdog_->feed();
    done = by_password ? ssh_userauth_password(session, nullptr, password.text().c_str()) : answer(password);
    if (done == SSH_AUTH_SUCCESS) return true;
    if (done == SSH_AUTH_ERROR) return fail_in_session(Cause::error, "in the login");
    return fail(Cause::login,
                fmt::format("the server refused the user {}; methods that are left: {}",
                            escaped(target_.user), names_of(ssh_userauth_list(session, nullptr))));
  }

  int answer(const Secret& password) {
    auto* session = session_.get();
    int done = ssh_userauth_kbdint(session, nullptr, nullptr);
    for (int question = 0; done == SSH_AUTH_INFO && question < most_questions; ++question) {
      const int prompts = ssh_userauth_kbdint_getnprompts(session);
      for (int i = 0; i < prompts; ++i)
        ssh_userauth_kbdint_setanswer(session, static_cast<unsigned>(i), password.text().c_str());
      done = ssh_userauth_kbdint(session, nullptr, nullptr);
    }
    return done;
  }

  bool open() {
    watchdog_->feed();
    sftp_.reset(sftp_new(session_.get()));
    if (!sftp_ || sftp_init(sftp_.get()) != 0)
      return fail_in_session(Cause::no_sftp, "when SFTP was asked for");
    watchdog_->feed();
    file_.reset(sftp_open(sftp_.get(), target_.path.c_str(), read_only, 0));
    if (!file_) return fail_in_sftp("opening the file failed");
    watchdog_->feed();
    const Attributes attributes(sftp_fstat(file_.get()));
    if (attributes && attributes->type == SSH_FILEXFER_TYPE_DIRECTORY)
      return fail(Cause::is_folder, fmt::format("{} is a directory", escaped(target_.path)));
    if (attributes && (attributes->flags & SSH_FILEXFER_ATTR_SIZE) != 0) report_.announced = attributes->size;
    return true;
  }

  bool fail_in_sftp(std::string_view what) {
    if (watchdog_->has_bitten()) return fail_in_session(Cause::stalled, "");
    const std::string text = ssh_get_error(session_.get());
    auto cause = cause_in_words(text);
    const int status = sftp_get_error(sftp_.get());
    if (cause == Cause::error && (status == SSH_FX_NO_SUCH_FILE || status == SSH_FX_NO_SUCH_PATH))
      cause = Cause::not_found;
    if (cause == Cause::error && status == SSH_FX_PERMISSION_DENIED) cause = Cause::access;
    return fail(cause, fmt::format("{}: {}", what, escaped(text)));
  }

  void fetch() {
    Content content(target_.path.substr(target_.path.rfind('/') + 1));
    std::vector<std::byte> buffer(portion);
    const auto began = Clock::now();
    for (;;) {
      const auto got = sftp_read(file_.get(), buffer.data(), buffer.size());
      report_.seconds = std::chrono::duration<double>(Clock::now() - began).count();
      if (got <= 0) {
        if (got < 0) stop_at(content.size());
        break;
      }
      watchdog_->feed();
      content.update(std::span(buffer).first(static_cast<std::size_t>(got)));
      report_.bytes = content.size();
      progress_(content.size(), report_.announced);
    }
    if (report_.cause) return;
    if (auto fault = content.finish(report_.announced, recorded_, report_))
      fail(fault->cause, std::move(fault->what));
  }

  void stop_at(std::uint64_t bytes) {
    const auto when = fmt::format("after {} bytes", bytes);
    if (watchdog_->has_bitten() || !ssh_is_connected(session_.get())) {
      fail_in_session(Cause::stalled, when);
    } else {
      fail_in_sftp("reading failed " + when);
    }
  }

  const Target& target_;
  const SftpManner& manner_;
  const std::optional<Recorded>& recorded_;
  const Progress& progress_;
  Report& report_;
  const Clock::time_point began_ = Clock::now();
  OwnSocket socket_;  // until libssh has it
  ssh_callbacks_struct callbacks_{};
  Session session_;
  std::optional<Watchdog> watchdog_;
  Sftp sftp_;
  SftpFile file_;
};

}  // namespace

void probe_sftp(const Target& target, const SftpManner& manner, const std::optional<Recorded>& recorded,
                const Progress& progress, Report& report) {
  Probe(target, manner, recorded, progress, report).run();
}

}  // namespace server::probe
