#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "protocols/files/file_session.hpp"
#include "protocols/scp/command.hpp"
#include "server/accounts/ssh_handles.hpp"
#include "server/files/file_transfers.hpp"
#include "server/files/user_files.hpp"
#include "server/ssh/common.hpp"
#include "server/ssh/connection_use.hpp"

namespace conf {
struct User;
}  // namespace conf

namespace server {

// One session channel of an SSH connection (RFC 4254 6): a client may have several. Carries the bytes between
// libssh and the SFTP or SCP session that runs on it, and has the session's operations performed by workers.
// Lives on the loop; its connection, and whatever it waits for, hold it.
//
// libssh's callbacks only append to buffers: it frees under its own feet when one of them writes (0.10 lacks
// the upstream fix). Everything else happens in serve(), which the connection calls outside of them.
class SshChannel : public std::enable_shared_from_this<SshChannel> {
 public:
  // What carries it. All calls on the loop.
  class Connection {
   public:
    virtual std::uint64_t number() const = 0;
    virtual const std::string& address() const = 0;
    virtual const conf::User& user() const = 0;
    virtual const std::shared_ptr<ConnectionUse>& use() = 0;  // made when first asked for
    // What was written before is with the kernel, and no keys are exchanged.
    virtual bool may_send() const = 0;
    // As ssh_channel_write(), and while one may send.
    virtual int write(ssh_channel channel, std::span<const std::byte> bytes) = 0;
    virtual void go_on() = 0;      // a worker has answered
    virtual void delivered() = 0;  // a packet of data came; on whatever thread reads, must not throw
    // Now, or as soon as no key exchange has libssh's session.
    virtual void when_free(std::move_only_function<void()> then) = 0;
    virtual void end(std::string why) = 0;
    virtual void channel_told() = 0;     // a channel that is detached, of all that was open
    virtual void starve() noexcept = 0;  // memory is short: it ends
    virtual std::shared_ptr<void> hold() = 0;

   protected:
    ~Connection() = default;
  };

  // The client takes no more than `packet` bytes in one.
  SshChannel(SshCommon& common, Connection& connection, ssh_channel channel, std::uint32_t packet);
  SshChannel(const SshChannel&) = delete;
  SshChannel& operator=(const SshChannel&) = delete;
  ~SshChannel();

  // Answers the request when the session runs, or cannot.
  void start_sftp(ssh::Message request);
  void start_scp(ssh::Message request, scp::Command command);
  // Grants the request, but only to show `text` and to end with the exit status 1. `text` is short.
  void decline(ssh::Message request, std::string text);

  // What was delivered is part of what its connection holds. Not in the callbacks, which any thread may run.
  void count_held();
  std::size_t kept() const;  // bytes, by libssh's buffers for what came on it

  // Feeds, works and flushes until nothing moves, or until `end`. True when there may be more to do at once.
  bool serve(std::chrono::steady_clock::time_point end);
  // The connection is over: libssh's channel is gone, or about to be. `cause` and `why` are its end's. The
  // next call goes on to tell what was open, as the next turn does. False when memory is short.
  bool detach(protocols::Cause cause, std::string_view why) noexcept;

  bool is(ssh_channel channel) const { return channel_ == channel; }
  bool serves() const { return starting_ || session_ || !parting_.empty() || finished_; }  // or has served
  bool idle() const { return !waiting_ && (!session_ || session_->idle()); }
  bool closed_by_client() const { return closed_; }
  bool over() const { return closed_ && finished_ && !waiting_ && !session_; }
  // It is detached, and does not wait for a worker either.
  bool tells() const { return session_ && !waiting_ && !channel_; }
  // It has something to work at, or somebody who works for it: it needs nothing from the client to go on.
  bool busy() const;

 private:
  using MakeSession = std::function<std::unique_ptr<files::FileSession>()>;  // and sets tell_
  void start(ssh::Message request, event::Protocol protocol, MakeSession make);
  bool work();
  void part();
  void carry_out(const files::Operation& operation);
  bool open(const files::Operation& operation);
  std::optional<OpenFiles::Lease> lease(const OpenFiles::Wanted& what);
  bool may_mean_another(const files::Operation& operation, const UserFiles::Outcome& outcome) const;
  void carry_out_as_meant(const files::Operation& operation, UserFiles::Outcome missed);
  void conclude(const files::Operation& operation, UserFiles::Outcome outcome, bool tells);
  bool expected(const storage::Path& missing, std::error_code error) const;
  void tell_unwritten(const storage::Path& path, std::error_code error);
  void explain(const storage::Path& missing, std::error_code error);
  bool flush();
  void close_session();
  bool tell_what_was_open();
  void stop_later();
  void finish(int status);

  // Runs `work` on a worker and `then` with its result on the loop; in between the channel waits.
  template <class Work, class Then>
  void wait_for(FairWorkers& workers, Work work, Then then);
  // The same on `explaining`, whose turn it is.
  template <class Work, class Then>
  void wait_for_explaining(Turns::Turn turn, Work work, Then then);
  template <class Lane, class Work, class Then>
  void run(Lane& lane, Work work, Then then, std::optional<Turns::Turn> turn);
  template <class Do>
  bool guard(Do what) noexcept;

  static int on_data(ssh_session, ssh_channel, void* data, std::uint32_t size, int is_stderr, void* self);
  static void on_eof(ssh_session, ssh_channel, void* self);
  static void on_close(ssh_session, ssh_channel, void* self);

  SshCommon& common_;
  Connection& connection_;
  ssh_channel channel_;  // libssh's; ours to free once both sides have closed it
  std::size_t write_at_once_;
  ssh_channel_callbacks_struct callbacks_{};
  const std::shared_ptr<ConnectionUse> use_;
  std::vector<std::byte> received_;
  std::size_t held_ = 0;                              // bytes, as counted last
  std::size_t largest_data_ = 0, largest_aside_ = 0;  // that came at once, and as of a program's stderr
  bool may_go_on_ = false;
  bool short_of_memory_ = false;       // all that is left to do is to end
  bool eof_ = false, closed_ = false;  // by the client
  bool finished_ = false;              // by us
  bool starting_ = false;
  std::string parting_;   // all that it is for
  bool waiting_ = false;  // for a worker
  std::unique_ptr<files::FileSession> session_;
  std::function<void()> tell_;  // emits what happened in it since the last call
  // By their handles; shared with whoever closes the files at the end.
  using Leases = std::map<std::uint32_t, OpenFiles::Lease>;
  std::shared_ptr<Leases> leases_;
  std::optional<UserFiles> files_;
  event::Protocol protocol_ = event::Protocol::sftp;  // of the session
  std::optional<FileTransfers> transfers_;
  // Of what is open when the session ends; of the client's own leaving unless the connection says another.
  protocols::Ending end_{.cause = protocols::Cause::disconnected};
};

}  // namespace server
