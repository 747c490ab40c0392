"""Records the trajectories of networks that `tests/test_mlp.py` compares with.

Needs none of sklgd, but torch; run as

    pip install torch==2.13.0
    python tests/recipes/networks.py

It writes `tests/data/networks.json`: for each case torch's version, the weights and intercepts
after some of 100 steps, and the raw predictions at the end, float64 in full.  Initial weights,
rows and the order of the batches are the same: nothing is drawn at random.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "data" / "networks.json"
N, P, BATCH, EPOCHS = 20, 3, 5, 25
RECORDED = (1, 5, 25)  # epochs, of four steps each
HIDDEN = (5, 4)

ROWS = np.cos(np.arange(1.0, N * P + 1).reshape(N, P)) * [1.0, 2.0, 0.5]
VALUES = np.sin(2.0 * ROWS[:, 0]) + 0.5 * ROWS[:, 1] ** 2
TARGETS = {
    "squared_error": VALUES,
    "two outputs": np.stack([VALUES, ROWS[:, 0] * ROWS[:, 2]], axis=1),
    "log_loss": (np.median(VALUES) < VALUES).astype(float),
    "multinomial": np.digitize(VALUES, np.quantile(VALUES, [0.3, 0.7])).astype(float),
}
N_RAW = {"squared_error": 1, "two outputs": 2, "log_loss": 1, "multinomial": 3}

#: (target, activations, normalization, optimizer as sklgd writes it, torch's class and arguments)
CASES = [
    ("squared_error", ("relu", "relu"), None, "Adam(0.01)", "Adam", {"lr": 0.01}),
    (
        "log_loss",
        ("tanh", "logistic"),
        None,
        "SGD(0.1, momentum=0.9)",
        "SGD",
        {"lr": 0.1, "momentum": 0.9},
    ),
    ("multinomial", ("gelu", "leaky_relu"), None, "Adam(0.02)", "Adam", {"lr": 0.02}),
    ("two outputs", ("elu", "silu"), None, "RMSprop(0.01, rho=0.99)", "RMSprop", {"lr": 0.01}),
    ("log_loss", ("softplus", "identity"), None, "AdamW(0.01)", "AdamW", {"lr": 0.01}),
    ("multinomial", ("tanh", "relu"), "layer", "Adam(0.01)", "Adam", {"lr": 0.01}),
    ("two outputs", ("silu", "tanh"), "batch", "Adam(0.01)", "Adam", {"lr": 0.01}),
]


def initial(n_raw):
    """Return the weights, (inputs, outputs), and the intercepts of each layer."""
    sizes = (P, *HIDDEN, n_raw)
    coefs, intercepts = [], []
    for layer, (a, b) in enumerate(pairwise(sizes)):
        angles = np.arange(a * b, dtype=float).reshape(a, b)
        coefs.append(np.sin(1.3 * angles + layer) / np.sqrt(a))
        intercepts.append(0.1 * np.cos(np.arange(b, dtype=float) + layer))
    return coefs, intercepts


def record(target, activations, normalization, optimizer, kind, arguments):
    """Return what torch does in one case."""
    import torch

    torch.set_default_dtype(torch.float64)
    nn = torch.nn
    functions = {
        "identity": nn.Identity,
        "logistic": nn.Sigmoid,
        "tanh": nn.Tanh,
        "relu": nn.ReLU,
        "leaky_relu": nn.LeakyReLU,
        "elu": nn.ELU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "softplus": nn.Softplus,
    }
    norms = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
    coefs, intercepts = initial(N_RAW[target])
    layers, linear = [], []
    for layer, (weights, bias) in enumerate(zip(coefs, intercepts, strict=True)):
        module = nn.Linear(*weights.shape)
        with torch.no_grad():
            module.weight.copy_(torch.tensor(weights.T))
            module.bias.copy_(torch.tensor(bias))
        linear.append(module)
        layers.append(module)
        if layer < len(HIDDEN):
            if normalization is not None:
                layers.append(norms[normalization](HIDDEN[layer]))
            layers.append(functions[activations[layer]]())
    net = nn.Sequential(*layers)
    rule = getattr(torch.optim, kind)(net.parameters(), **arguments)
    X, y = torch.tensor(ROWS), torch.tensor(TARGETS[target])
    points = {}
    for epoch in range(1, EPOCHS + 1):
        net.train()
        for start in range(0, N, BATCH):
            raw, part = net(X[start : start + BATCH]), y[start : start + BATCH]
            if target == "log_loss":
                loss = nn.functional.binary_cross_entropy_with_logits(raw[:, 0], part)
            elif target == "multinomial":
                loss = nn.functional.cross_entropy(raw, part.long())
            else:
                loss = 0.5 * ((raw - part.reshape(len(part), -1)) ** 2).sum(axis=1).mean()
            rule.zero_grad()
            loss.backward()
            rule.step()
        if epoch in RECORDED:
            points[epoch] = {
                "coefs": [module.weight.detach().numpy().T.tolist() for module in linear],
                "intercepts": [module.bias.detach().numpy().tolist() for module in linear],
            }
    net.eval()
    return {
        "target": target,
        "activation": activations,
        "normalization": normalization,
        "optimizer": optimizer,
        "reference": f"torch {torch.__version__}",
        "points": points,
        "raw": net(X).detach().numpy().tolist(),
    }


if __name__ == "__main__":
    OUT.write_text(json.dumps([record(*case) for case in CASES], indent=1) + "\n", encoding="utf-8")
