#include "server/tftp/packet_layout.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace server;

namespace {

constexpr std::size_t block = 512, header = tftp::data_header_size;

tftp::Negotiated negotiated() {
  tftp::Negotiated options;
  options.block_size = block;
  return options;
}

unsigned number_at(const std::vector<std::byte>& buffer, std::size_t at) {
  return std::to_integer<unsigned>(buffer[at + 2]) << 8 | std::to_integer<unsigned>(buffer[at + 3]);
}

}  // namespace

TEST_CASE("packets lie one after the other, each with its header, and the last one is as long as its bytes") {
  const PacketLayout layout(negotiated());
  tftp::SendData batch{};
  batch.block = 5, batch.count = 3, batch.size = 2 * block + 100;
  CHECK(layout.packet_size() == block + header);
  CHECK(layout.size_of(batch) == 3 * header + 2 * block + 100);

  std::vector<std::byte> buffer(3 * layout.packet_size());
  PacketLayout::Pieces gaps;
  const auto packets = layout.lay_out(batch, buffer, gaps);
  CHECK(packets.data() == buffer.data());
  CHECK(packets.size() == layout.size_of(batch));
  REQUIRE(gaps.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto at = i * layout.packet_size();
    CHECK(buffer[at] == std::byte{0});
    CHECK(buffer[at + 1] == std::byte{3});  // DATA
    CHECK(number_at(buffer, at) == 5 + i);
    CHECK(gaps[i].data() == buffer.data() + at + header);
    CHECK(gaps[i].size() == (i < 2 ? block : 100));
  }
}

TEST_CASE("an empty last block is a header alone") {
  const PacketLayout layout(negotiated());
  tftp::SendData batch{};
  batch.block = 65'535, batch.count = 2, batch.size = block;
  std::vector<std::byte> buffer(2 * layout.packet_size());
  PacketLayout::Pieces gaps(7);  // of an earlier batch
  const auto packets = layout.lay_out(batch, buffer, gaps);
  CHECK(gaps.size() == 1);
  CHECK(packets.size() == block + 2 * header);
  CHECK(number_at(buffer, layout.packet_size()) == 0);  // the numbers begin again
}
