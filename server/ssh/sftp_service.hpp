#pragma once
#include <algorithm>
#include <memory>

#include "protocols/sftp/session.hpp"
#include "server/events/events.hpp"
#include "server/ssh/connection_use.hpp"
#include "server/ssh/file_service.hpp"
#include "storage/lookup/explain.hpp"

namespace server {

// The sftp subsystem.
class SftpService final : public FileService {
 public:
  SftpService(const Events& events, std::uint64_t number, std::shared_ptr<ConnectionUse> use,
              sftp::Session session)
      : events_(events), number_(number), use_(std::move(use)), session_(std::move(session)) {}

  bool feed(std::span<const std::byte> bytes) override { return session_.feed(bytes); }
  void eof() override { eof_ = true; }
  std::optional<files::Operation> poll(std::size_t room) override {
    return session_.poll(std::min<std::size_t>(room, sftp::longest_packet));
  }
  bool more() const override { return session_.more(); }
  void done(files::Answer answer) override { session_.done(std::move(answer)); }
  void close_all() override { session_.close_all(); }
  std::span<const std::byte> output() override { return session_.output().bytes(); }
  void consume(std::size_t count) override { session_.output().consume(count); }
  void release_output() override { session_.output().release(); }
  void tell() override {
    for (auto& what : session_.take_events()) events_.emit(event::SftpHappened{number_, std::move(what)});
    for (const auto& [name, error] : session_.take_misnamed()) {
      if (!use_->misnamed.is_new(name)) continue;
      events_.emit(event::Missed{number_, event::Protocol::sftp, use_->address().to_string(), name,
                                 storage::explain_miss(name, error)});
    }
  }
  std::size_t held() const override { return session_.held(); }
  bool outlives_client() const override { return false; }
  bool idle() const override { return session_.idle(); }
  bool broken() const override { return session_.broken(); }
  bool misses(const files::Operation&) const override { return true; }
  std::optional<int> exit_status() const override { return eof_ ? std::optional(0) : std::nullopt; }

 private:
  const Events& events_;
  const std::uint64_t number_;
  const std::shared_ptr<ConnectionUse> use_;
  sftp::Session session_;
  bool eof_ = false;
};

}  // namespace server
