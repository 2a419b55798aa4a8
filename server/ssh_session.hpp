#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "server/sftp_files.hpp"
#include "server/shared.hpp"
#include "server/ssh_handles.hpp"
#include "server/ssh_login.hpp"

namespace server {

// One SSH connection, from its first byte to its last: libssh carries transport and authentication, the SFTP
// on the channel is ours. Lives on the loop; the handlers it waits with hold it.
//
// libssh's callbacks only append to buffers. Everything else happens in service(), which is never entered
// twice, for libssh frees under its own feet when a callback writes (0.10 lacks the upstream mend).
class SshSession : public std::enable_shared_from_this<SshSession> {
 public:
  using Ended = std::function<void(SshSession*)>;

  SshSession(Shared& shared, std::uint64_t number, const tcp::endpoint& client, Ended ended);
  ~SshSession();

  // Takes `fd` over. False when libssh refuses it.
  bool start(ssh_bind bind, int fd);
  void stop();   // the server ends: at once
  void drain();  // the server ends: as soon as no file is open

 private:
  void service();
  bool exchange();
  void handle(ssh::Message message);
  void log_in(ssh::Message message);
  void await_login();
  void open_channel(ssh_message message);
  void channel_request(ssh::Message message);
  void start_sftp(storage::Root root);

  bool serve_sftp();
  void carry_out(const sftp::Operation& operation);
  void tell();
  void explain(const storage::Path& missing, std::error_code error);
  bool flush();
  void close_sftp();
  void finish_channel();

  bool idle() const { return !waiting_ && (!sftp_ || sftp_->idle()); }
  void arm();
  void end(std::string why);

  static int on_data(ssh_session, ssh_channel, void* data, std::uint32_t size, int is_stderr, void* self);
  static void on_eof(ssh_session, ssh_channel, void* self);
  static void on_close(ssh_session, ssh_channel, void* self);

  Shared& shared_;
  const std::uint64_t number_;
  const std::string client_;
  Ended ended_;
  net::posix::stream_descriptor socket_;  // a duplicate: libssh closes its own when it likes
  net::steady_timer grace_;
  bool reading_ = false, writing_ = false;  // a wait is under way
  bool waiting_ = false;                    // for a worker
  bool in_service_ = false, over_ = false, draining_ = false;

  ssh::Session session_;
  ssh::Event event_;
  SshLogin login_;
  ssh_channel channel_ = nullptr;  // freed with the session
  ssh_channel_callbacks_struct callbacks_{};
  std::vector<std::byte> received_;
  bool eof_ = false, closed_ = false, channel_finished_ = false;
  bool flooded_ = false;  // more came than anybody has a reason to send
  std::optional<sftp::Session> sftp_;
  std::optional<SftpFiles> files_;
  std::set<std::string> missed_;  // names whose miss was told
};

}  // namespace server
