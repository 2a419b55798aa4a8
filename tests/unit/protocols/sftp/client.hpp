#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "protocols/sftp/session.hpp"

// A client's side of an SFTP session, for tests.
namespace test {

using namespace sftp;

// A packet as a client builds it.
class Packet {
 public:
  explicit Packet(Type type) : body_{static_cast<std::byte>(type)} {}
  Packet& u32(std::uint32_t value) { return number(value, 4); }
  Packet& u64(std::uint64_t value) { return number(value, 8); }
  Packet& string(std::string_view text) {
    u32(static_cast<std::uint32_t>(text.size()));
    const auto bytes = std::as_bytes(std::span(text));
    body_.insert(body_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  std::vector<std::byte> bytes() const {
    std::vector<std::byte> packet(4 + body_.size());
    Output::put(std::span(packet).first(4), body_.size());
    std::ranges::copy(body_, packet.begin() + 4);
    return packet;
  }

 private:
  Packet& number(std::uint64_t value, std::size_t size) {
    body_.resize(body_.size() + size);
    Output::put(std::span(body_).last(size), value);
    return *this;
  }
  std::vector<std::byte> body_;
};

struct Reply {
  Type type;
  std::uint32_t id;
  std::vector<std::byte> rest;
  Reader reader() const { return Reader(rest); }
  Status status() const {
    REQUIRE(type == Type::status);
    return static_cast<Status>(reader().u32());
  }
};

inline std::vector<Reply> replies(Session& session) {
  std::vector<Reply> all;
  auto rest = session.output().bytes();
  while (!rest.empty()) {
    const auto size = Reader(rest).u32();
    const auto packet = rest.subspan(4, size);
    Reader reader(packet.subspan(1));
    const auto id = reader.u32();
    all.push_back({static_cast<Type>(packet[0]), id, {packet.begin() + 5, packet.end()}});
    rest = rest.subspan(4 + size);
  }
  session.output().consume(session.output().size());
  return all;
}

// A session past its INIT.
struct Started {
  Session session;
  explicit Started(Access access = Access::read_only) : session(1'700'000'000, access) {
    send(Packet(Type::init).u32(3));
    CHECK_FALSE(session.poll());
    session.output().consume(session.output().size());
    session.take_events();
  }
  void send(const Packet& packet) { REQUIRE(session.feed(packet.bytes())); }
  Reply only_reply() {
    CHECK_FALSE(session.poll());
    const auto all = replies(session);
    REQUIRE(all.size() == 1);
    return all[0];
  }
  Reply reply_to(const Packet& packet) {
    send(packet);
    return only_reply();
  }
  template <class Wanted>
  Wanted asked_by(const Packet& packet) {
    send(packet);
    const auto operation = session.poll();
    REQUIRE(operation);
    REQUIRE(std::holds_alternative<Wanted>(*operation));
    return std::get<Wanted>(*operation);
  }
  std::string open(std::string_view name) {
    asked_by<OpenToRead>(Packet(Type::open).u32(1).string(name).u32(open_flag::read).u32(0));
    session.done(Done{});
    const auto reply = only_reply();
    REQUIRE(reply.type == Type::handle);
    return std::string(reply.reader().string());
  }
};

}  // namespace test
