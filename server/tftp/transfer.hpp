#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/tftp/transfer.hpp"
#include "server/files/running.hpp"
#include "server/tftp/common.hpp"
#include "server/tftp/limits.hpp"
#include "server/tftp/port.hpp"

namespace server {

// One request of one client, as it arrived.
struct TftpAsked {
  std::uint64_t number;
  tftp::Request request;
  std::string client;  // its address
  net::ip::address address{};
  bool port_can_be_guessed = false;  // and with it, where an ACK in another's name must go
  bool by_broadcast = false;  // other servers were asked too: it is answered with the file or not at all
};

// One request's life, from the lookup to its end: the driver of a tftp::Transfer, which decides what is sent
// and when. Owns the port. Lives on the loop; the service, and whatever it waits for, hold it.
class TftpTransfer : public TftpPort::Listener,
                     public Moving,
                     public std::enable_shared_from_this<TftpTransfer> {
 public:
  TftpTransfer(TftpCommon& common, TftpAsked asked, TftpPlace place, std::unique_ptr<TftpPort> port);
  virtual ~TftpTransfer() = default;

  // `on_answer`: the client has moved on for the first time; an ERROR is no such answer. Should it throw,
  // on_end was not called.
  void start(std::function<void()> on_answer, std::function<void()> on_end);
  void catch_up() { port_->catch_up(); }
  void answer_later() { port_->answer_later(); }
  void repeated(std::size_t size);  // the client asked once more from the same port, in so many bytes
  void abandon(tftp::Cause cause);  // it started again, or has to make room
  void stop();                      // the server ends: the client is told
  void end_dallying();              // if that is all it does, now or later
  void give_way();                  // the client has another transfer: it ends at its next silence

  bool is_for(const tftp::Request& request) const {
    return request.filename == name() && request.write == asked_.request.write;
  }
  // The client has not moved on for at least one timeout and for `so_long`, or is done.
  bool hangs(tftp::Time::duration so_long = {}) const;
  bool is_done() const { return machine_ && machine_->ended(); }
  // For at least `so_long`.
  bool is_unanswered(tftp::Time::duration so_long) const;
  TftpLimits::Id place() const { return id_; }
  // While another transfer of its client's port begins: a device that rebooted takes the first packet that
  // comes for the answer to its request. Until the client says something to it, or that transfer has ended.
  void keep_quiet(bool quiet) { quiet_ = quiet; }
  bool flows() const { return machine_ && machine_->answered() && machine_->tries() == 0; }

  Moved moved() const override;
  void stop_by_administrator() override;

  void packet(std::span<const std::byte> bytes, tftp::Time now) override;
  void go_on(tftp::Time now) override;
  void refused() override;
  void room() override { resume(); }
  // Memory is short, for instance: this transfer ends, and gives back what it took.
  void broke_off(std::string_view why) noexcept override;
  bool expects_more() const override { return machine_ && machine_->expects_more(); }
  std::shared_ptr<Listener> hold() override { return shared_from_this(); }

 protected:
  // Looks the file up, and then calls begin() or refuse().
  virtual net::awaitable<void> look_up() = 0;
  // Performs an action of the machine's own kind. False: it waits for something, and resume() goes on.
  virtual bool perform(const tftp::Action& action, tftp::Time now) = 0;
  virtual bool resume_action(tftp::Time now) = 0;  // what perform() left; as perform()
  virtual void closed() = 0;                       // all is over: what is held may go

  // `size`: the file's, as far as it is known.
  void begin(std::unique_ptr<tftp::Transfer> machine, const storage::Path& path, storage::Rule rule,
             std::optional<std::uint64_t> size);
  void negotiate(std::uint64_t file_size, const tftp::Limits& limits);
  void refuse(const storage::Miss& miss);
  void resume();
  // For what the loop calls: an exception ends this transfer, and nothing else.
  template <class Call>
  void guarded(Call call) noexcept {
    try {
      call();
    } catch (const std::exception& e) {
      broke_off(e.what());
    }
  }
  void wait_for_room() { port_->ask_for_room(); }
  void wait_for_turn() { port_->ask_for_turn(); }
  // Anything but a full buffer is like a lost packet, and the timer resends it.
  std::size_t send(std::span<const std::byte> packets, std::size_t packet_size, bool& full);
  bool stopped() const { return stopped_; }
  void found_binary() { damages_ = true; }  // bytes that netascii changes, in what should be a text
  const std::string& name() const { return asked_.request.filename; }

  TftpCommon& common_;
  TftpAsked asked_;  // without its options, once they are negotiated
  tftp::Negotiated negotiated_;

 private:
  void send_packet(std::span<const std::byte> packet);
  bool perform_any(const tftp::Action& action, tftp::Time now);
  void watch();
  void ended(tftp::Finished how);
  void close();
  void on_time();
  bool is_silent(tftp::Time::duration so_long) const;

  const TftpLimits::Id id_;
  std::optional<TftpPlace> place_;  // until it is over
  const std::unique_ptr<TftpPort> port_;
  std::unique_ptr<tftp::Transfer> machine_;
  Running::Entry running_;
  std::string path_;
  std::optional<std::uint64_t> size_;
  const tftp::Time began_;
  net::steady_timer timer_;
  tftp::Time armed_for_ = tftp::Time::max();
  bool waiting_ = false;  // an action is under way
  bool stopped_ = false;  // before there was a machine
  bool may_dally_ = true;
  bool damages_ = false;
  bool told_end_ = false;
  bool gives_way_ = false;
  bool quiet_ = false;     // what it sends is as if it were lost
  bool hangs_ = false;     // and its place is told so
  bool closed_ = false;    // whatever comes now is too late
  bool answered_ = false;  // and whoever wants to know has been told
  std::function<void()> on_answer_, on_end_;
};

}  // namespace server
