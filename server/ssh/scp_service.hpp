#pragma once
#include <memory>

#include "protocols/scp/session.hpp"
#include "server/events/events.hpp"
#include "server/ssh/file_service.hpp"

namespace server {

// One scp command, told in sftp-server's words: whoever greps for a file finds it, however it was fetched.
class ScpService final : public FileService {
 public:
  ScpService(const Events& events, std::uint64_t number, std::unique_ptr<scp::Session> session, bool receives)
      : events_(events), number_(number), session_(std::move(session)), receives_(receives) {}

  bool feed(std::span<const std::byte> bytes) override { return session_->feed(bytes); }
  void eof() override { session_->eof(); }
  std::optional<files::Operation> poll(std::size_t room) override { return session_->poll(room); }
  bool more() const override { return session_->more(); }
  void done(files::Answer answer) override { session_->done(answer); }
  void close_all() override { session_->close_all(); }
  std::span<const std::byte> output() override { return session_->output().bytes(); }
  void consume(std::size_t count) override { session_->output().consume(count); }
  void release_output() override { session_->output().release(); }
  void tell() override;
  std::size_t held() const override { return session_->held(); }
  // An upload of which every byte is here is kept: libssh2 waits for no answer.
  bool outlives_client() const override { return receives_; }
  bool idle() const override { return session_->idle(); }
  bool broken() const override { return false; }
  // What is to be written is asked for first: a missing file is not a miss.
  bool misses(const files::Operation& operation) const override {
    return !receives_ || !std::holds_alternative<files::Examine>(operation);
  }
  std::optional<int> exit_status() const override {
    return session_->finished() ? std::optional(session_->exit_status()) : std::nullopt;
  }

 private:
  const Events& events_;
  const std::uint64_t number_;
  const std::unique_ptr<scp::Session> session_;
  const bool receives_;
};

}  // namespace server
