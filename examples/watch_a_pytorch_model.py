"""Watch a model in its own loop, and ask the doctor: ``python examples/watch_a_pytorch_model.py``.

The model ends in a softmax, and ``cross_entropy`` applies another one: it trains, but not well.
"""

import torch
from torch import nn
from torch.nn import functional as F

import whygrad as wg

torch.manual_seed(0)
x = torch.randn(512, 20)
y = (x[:, :3].sum(1) > 0).long() + (x[:, 3] > 1).long()

model = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, 3), nn.Softmax(dim=1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

with wg.watch(model, every=10) as watch:
    for _ in range(10):
        for rows in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

print(watch.run.doctor())  # what is wrong, and the line to change
print(watch.run.why("0.weight[4, 7]"))  # names are the model's own, indices PyTorch's
print(watch.overhead)
